"""Reads OSM XML and osmChange. Elements and sections may come in any order; batches keep it.

`<create>` and `<modify>` say nothing that matters here: an element in them is its new version. An element inside
`<delete>`, or with visible="false", is marked as deleted. Elements unknown to OSM are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

from osm3s.errors import InputError
from osm3s.ffi import check, lib
from osm3s.ffi.batch import Batch
from osm3s.update.read_stream import ByteSource

CHUNK_BYTES = 256 * 1024
BATCH_ELEMENTS = 20_000
"""A batch is closed once it has this many, by the first element of the next chunk."""

SEPARATOR = "\x01"
"""Stands between the names and values of attributes that are handed to the core; XML text cannot contain it."""

ELEMENT_TYPES = {"node": lib.OSM3S_NODE, "way": lib.OSM3S_WAY, "relation": lib.OSM3S_RELATION}


class XmlReader:
    """Iterates over the batches of an XML stream. The root element is read at construction.

    `stream` needs `read` only, so a pipe will do. Raises InputError, naming file and line, if the data is not
    well-formed XML, not OSM, or ends too early. Document types and entity declarations are refused.
    """

    def __init__(self, stream: ByteSource, name: str) -> None:
        self.name = name
        self.is_change = False
        """Whether the root element is osmChange."""
        self.timestamp: str | None = None
        """The data's timestamp as the file has it, if it states one; known once the first batch is."""
        self._stream = stream
        self._at_end = False
        self._full = False
        self._batch = Batch()
        self._ready: list[Batch] = []
        self._has_root = False
        self._parser = expat.ParserCreate()
        self._parser.ordered_attributes = True
        self._parser.buffer_text = False
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._root
        while not self._has_root:
            self._parse_chunk()

    def __iter__(self) -> Iterator[Batch]:
        while not self._at_end:
            self._parse_chunk()
            while self._ready:
                yield self._ready.pop(0)
        if len(self._batch):
            yield self._batch

    def _parse_chunk(self) -> None:
        chunk = self._stream.read(CHUNK_BYTES)
        self._at_end = not chunk
        try:
            self._parser.Parse(chunk, self._at_end)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            if not self._has_root and error.code != expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]:
                what = f"not OSM data: {what}"
            elif self._at_end:
                what = f"the file is truncated: {what}"
            raise InputError(f"{self.name}: line {error.lineno}: {what}") from None
        self._full = len(self._batch) >= BATCH_ELEMENTS

    def _error(self, text: str) -> InputError:
        return InputError(f"{self.name}: line {self._parser.CurrentLineNumber}: {text}")

    def _doctype(self, name: str, system_id: str | None, public_id: str | None, has_internal_subset: bool) -> None:
        if name.lower() == "html":
            raise self._error("not OSM data but an HTML page")
        raise self._error("a document type declaration, which OSM data does not have")

    def _root(self, name: str, attributes: list[str]) -> None:
        if name not in ("osm", "osmChange"):
            kind = "an HTML page" if name.lower() == "html" else f"a document with the root element <{name}>"
            raise self._error(f"not OSM data but {kind}")
        self._has_root = True
        self.is_change = name == "osmChange"
        stated = dict(zip(attributes[::2], attributes[1::2], strict=True))
        self.timestamp = stated.get("osmosis_replication_timestamp") or stated.get("timestamp")
        self._install_handlers()

    def _install_handlers(self) -> None:
        """The two functions called for every element are closures: attribute look-ups would cost half as much again."""
        parser = self._parser
        add_element, add_tag, add_nd, add_member = (
            lib.osm3s_xml_element,
            lib.osm3s_xml_tag,
            lib.osm3s_xml_nd,
            lib.osm3s_xml_member,
        )
        join = SEPARATOR.join
        types = ELEMENT_TYPES
        no_type, way, relation = -1, lib.OSM3S_WAY, lib.OSM3S_RELATION
        batch = self._batch.c
        inside = no_type
        deletes = 0

        def start(name: str, attributes: list[str]) -> None:
            nonlocal inside, deletes, batch
            code = 0
            if name == "nd":
                if inside == way:
                    code = add_nd(batch, join(attributes).encode())
            elif name == "tag":
                if inside != no_type:
                    code = add_tag(batch, join(attributes).encode())
            elif name in types:
                if inside != no_type:
                    raise self._error(f"<{name}> inside another element")
                if self._full:
                    self._ready.append(self._batch)
                    self._batch = Batch()
                    batch = self._batch.c
                    self._full = False
                inside = types[name]
                code = add_element(batch, inside, deletes, join(attributes).encode())
            elif name == "member":
                if inside == relation:
                    code = add_member(batch, join(attributes).encode())
            elif name == "delete":
                deletes += 1
            elif name == "meta" and inside == no_type and not self.timestamp:
                self.timestamp = dict(zip(attributes[::2], attributes[1::2], strict=True)).get("osm_base")
            if code < 0:
                try:
                    check(code)
                except InputError as error:
                    raise self._error(str(error)) from None

        def end(name: str) -> None:
            nonlocal inside, deletes
            if name in types:
                inside = no_type
            elif name == "delete":
                deletes -= 1

        parser.StartElementHandler = start
        parser.EndElementHandler = end
