"""Opens an OSM file of any supported format, told from its content: PBF, OSM XML, osmChange, o5m or OPL, compressed or
not."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Self

from osm3s.errors import InputError
from osm3s.ffi.batch import Batch
from osm3s.update.read_stream import CountedStream, DecompressedStream, compression
from osm3s.update.read_xml import XmlReader

if TYPE_CHECKING:
    from osm3s.update.convert_stream import ConvertedStream
    from osm3s.update.read_pbf import PbfReader

MAGIC_BYTES = 64
XML_STARTS = (b"<", b"\xff\xfe<", b"\xfe\xff\0<")
"""An XML document begins with <, perhaps after a byte order mark."""
HISTORY_NAMES = (".osh", ".osh.pbf", ".osh.o5m", ".osh.opl")


class InputFile:
    """An open OSM file. Raises InputError if it is empty, malformed, truncated or not OSM data.

    `header_timestamp` (ISO text) is the time up to which the file says it has all changes, or None: of a PBF file the
    replication timestamp, of XML what the root element or <meta> states, of o5m the file's timestamp. It is known once
    the first batch is.
    """

    def __init__(self, stream: BinaryIO, name: str, threads: int = 2) -> None:
        self.name = name
        self._stream = stream
        self._source = CountedStream(stream, name)
        self._seen_versions = name.removesuffix(".gz").removesuffix(".bz2").endswith(HISTORY_NAMES)
        first_bytes = self._source.peek(MAGIC_BYTES)
        if not first_bytes:
            raise InputError(f"{name}: the file is empty")
        self._content: CountedStream | DecompressedStream = self._source
        if kind := compression(first_bytes):
            self._content = DecompressedStream(self._source, kind)
            first_bytes = self._content.peek(MAGIC_BYTES)
            if not first_bytes:
                raise InputError(f"{name}: there is nothing inside the {kind} data")
        self._converted: ConvertedStream | None = None
        self._pbf: PbfReader | None = None
        self._xml: XmlReader | None = None
        if first_bytes.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(XML_STARTS):
            self._xml = XmlReader(self._content, name)
        elif b"OSMHeader" in first_bytes:
            from osm3s.update.read_pbf import PbfReader

            self._pbf = PbfReader(self._content, name, threads)
        else:
            self._convert(first_bytes, threads)

    def _convert(self, first_bytes: bytes, threads: int) -> None:
        """What is neither PBF nor XML may be a format that osmium knows."""
        from osm3s.update.convert_stream import ConvertedStream, convertible  # here: it is hardly ever asked for
        from osm3s.update.read_pbf import PbfReader

        form = convertible(first_bytes)
        if form is None:
            raise InputError(f"{self.name}: not OSM data: neither PBF nor XML, o5m or OPL")
        self._converted = ConvertedStream(self._content, form, self.name)
        try:
            self._pbf = PbfReader(self._converted, self.name, threads)
        except InputError:
            self._converted.close()
            raise

    def batches(self) -> Iterator[Batch]:
        """All elements in the order of the file, to be asked for once."""
        for batch in self._pbf or self._xml or ():
            self._seen_versions = self._seen_versions or batch.has_versions
            yield batch

    @property
    def is_change(self) -> bool:
        """Whether the file is an osmChange: its elements are changes, not the data."""
        return self._xml is not None and self._xml.is_change

    @property
    def may_be_unsorted(self) -> bool:
        """XML is written by many programs and people; PBF files are sorted by type and id as a rule."""
        return self._xml is not None

    @property
    def sorted_path(self) -> str | None:
        """Where the file can be read once more, if it is a sorted one with a place of its own."""
        is_pbf = self._pbf is not None and self._converted is None
        return self.name if is_pbf and self.size_bytes is not None and os.path.isfile(self.name) else None

    @property
    def has_history(self) -> bool:
        """Whether elements may occur in several versions. Of PBF the header says so (but every file says so that osmium
        has converted), else the name *.osh; else it is known from the first batch on that has two versions of an
        element."""
        header = self._pbf.header if self._pbf is not None and self._converted is None else None
        return self._seen_versions or (header is not None and header.has_history)

    @property
    def header_timestamp(self) -> str | None:
        if self._xml is not None:
            return self._xml.timestamp
        seconds = self._pbf.header.replication_timestamp if self._pbf is not None else None
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None

    @property
    def replication(self) -> tuple[str, str]:
        """Sequence number and URL of the feed that continues the file, as far as the header of a PBF states them."""
        header = self._pbf.header if self._pbf is not None else None
        if header is None or header.replication_sequence is None:
            return "", ""
        return str(header.replication_sequence), header.replication_url

    @property
    def size_bytes(self) -> int | None:
        """Size of the file as it is stored; None of a pipe."""
        try:
            status = os.fstat(self._stream.fileno())
        except OSError:  # not backed by a file descriptor
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    @property
    def bytes_read(self) -> int:
        """How much of `size_bytes` has been read, which is somewhat ahead of what was yielded."""
        return self._source.bytes_read

    def close(self) -> None:
        if self._converted is not None:
            self._converted.close()
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_input(path: str | BinaryIO, threads: int = 2) -> InputFile:
    """Open a file by path, standard input ("-"), or a binary stream, which need not be seekable."""
    if not isinstance(path, str):
        return InputFile(path, "input", threads)
    if path == "-":
        return InputFile(sys.stdin.buffer, "standard input", threads)
    try:
        stream = open(path, "rb")  # noqa: SIM115 (InputFile closes it)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    try:
        return InputFile(stream, path, threads)
    except InputError:
        stream.close()
        raise
