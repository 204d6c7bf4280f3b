"""Reads OSM XML and osmChange. Elements and sections may come in any order; batches keep it.

`<create>` and `<modify>` say nothing that matters here: an element in them is its new version. An element inside
`<delete>`, or with visible="false", is marked as deleted. Elements unknown to OSM are passed over.

The scanner is native/xml_scan.c, seven to ten times as fast as expat with handlers in Python. Why osmium does not read
XML: ARCHITECTURE.md, "Which reader reads what".
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from osm3s.errors import InputError
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.batch import Batch
from osm3s.update.read_stream import ByteSource

CHUNK_BYTES = 256 * 1024
BATCH_ELEMENTS = 20_000

_DECLARATION = rb"""(?x)<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(["'])[A-Za-z0-9._-]+\1
    (?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(["'])(?P<encoding>[A-Za-z][A-Za-z0-9._-]*)\2)?
    (?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(["'])(?:yes|no)\4)?
    [ \t\r\n]*\?>"""
_USUAL_DECLARATIONS = (b"<?xml version='1.0' encoding='UTF-8'?>", b'<?xml version="1.0" encoding="UTF-8"?>')
"""Those of almost all files, which need not wait for a regular expression to be compiled."""
_LONGEST_DECLARATION_BYTES = 200
_NATIVE_ENCODINGS = ("utf-8", "ascii")
_OTHER_ENCODINGS = ("utf-16", "iso8859-", "cp125")
"""Beginnings of Python's names of the encodings that are converted."""


class XmlReader:
    """Iterates over the batches of an XML stream. The root element is read at construction.

    `stream` needs `read` only, so a pipe will do. Raises InputError, naming file and line, if the data is not
    well-formed XML, not OSM, or ends too early. Document types and entity declarations are refused.
    """

    def __init__(self, stream: ByteSource, name: str) -> None:
        self.name = name
        self._stream = stream
        xml = lib.osm3s_xml_new()
        if xml == ffi.NULL:
            check(lib.OSM3S_NOMEM)
        self._xml = ffi.gc(xml, lib.osm3s_xml_free)
        self._consumed = ffi.new("size_t *")
        self._batch = Batch()
        self._data = self._begin()
        self._at_end = False
        self._decoder: codecs.IncrementalDecoder | None = self._decoder_for(self._data)
        if self._decoder is not None:
            self._data = self._decode(self._data)
        while not self._xml.has_root:
            self._scan()
            if not self._xml.has_root:
                self._read_more()

    @property
    def is_change(self) -> bool:
        """Whether the root element is osmChange."""
        return bool(self._xml.is_change)

    @property
    def timestamp(self) -> str | None:
        """The data's timestamp as the document has it, if it states one; known once the first batch is."""
        raw: bytes = ffi.string(self._xml.timestamp)
        return raw.decode("utf-8", "replace") or None

    def __iter__(self) -> Iterator[Batch]:
        while True:
            if self._scan():
                yield self._batch
                self._batch = Batch()
            elif self._at_end:
                break
            else:
                self._read_more()
        if len(self._batch):
            yield self._batch

    def _scan(self) -> bool:
        """Scan what there is; True if the batch is full and there is more to scan."""
        code = lib.osm3s_xml_scan(
            self._xml, self._data, len(self._data), self._at_end, BATCH_ELEMENTS, self._batch.c, self._consumed
        )
        try:
            check(code)
        except InputError as error:
            raise self._error(str(error)) from None
        self._data = self._data[self._consumed[0] :]
        return bool(code == lib.OSM3S_XML_FULL)

    def _read_more(self) -> None:
        raw = self._stream.read(CHUNK_BYTES)
        self._at_end = not raw
        self._data += raw if self._decoder is None else self._decode(raw)

    def _begin(self) -> bytes:
        """As much of the stream as an XML declaration may need, without the byte order mark of UTF-8."""
        data = b""
        while len(data) < _LONGEST_DECLARATION_BYTES and (more := self._stream.read(CHUNK_BYTES)):
            data += more
        return data.removeprefix(codecs.BOM_UTF8)

    def _decoder_for(self, data: bytes) -> codecs.IncrementalDecoder | None:
        """What turns the document into text; None if it is in UTF-8 already."""
        if data.startswith(_USUAL_DECLARATIONS):
            return None
        declared = re.match(_DECLARATION, data)
        if declared is None and re.match(rb"<\?xml[^A-Za-z0-9._:-]", data):
            raise self._error("not well-formed XML: the XML declaration")
        encoding = ((declared and declared["encoding"]) or b"utf-8").decode("ascii")
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        try:
            known = codecs.lookup(encoding).name
        except LookupError:
            known = ""
        if known in _NATIVE_ENCODINGS:
            return None
        if not known.startswith(_OTHER_ENCODINGS):
            raise self._error(f'the encoding "{encoding}" is not supported; convert the file to UTF-8')
        return codecs.getincrementaldecoder(known)()

    def _decode(self, raw: bytes) -> bytes:
        assert self._decoder is not None
        try:
            return self._decoder.decode(raw, self._at_end).encode()
        except UnicodeError as error:
            raise self._error(f"bytes that are not of the document's encoding: {error}") from None

    def _error(self, text: str) -> InputError:
        one_line = " ".join(text.split())  # what is quoted from the document may have line ends
        return InputError(f"{self.name}: line {self._xml.line}: {one_line}")
