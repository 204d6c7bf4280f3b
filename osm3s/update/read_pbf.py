"""Reads PBF files. Blobs are inflated and decoded ahead in a few threads; their order is kept.

A file is a row of: length of the blob header (4 bytes, big endian), blob header, blob. The first blob holds the file's
header, every other one a block of some thousand elements.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import zstandard

from osm3s.errors import InputError
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.batch import Batch
from osm3s.update.read_stream import ByteSource

AHEAD_BLOBS = 2
"""Blobs in progress beyond those the threads are working on; bounds the memory."""


@dataclass(frozen=True, slots=True)
class PbfHeader:
    """What a PBF file says about itself."""

    has_history: bool
    """Elements occur in several versions, deleted ones included."""
    bbox: tuple[int, int, int, int] | None
    """South, west, north, east in 1e-7 degree."""
    replication_timestamp: int | None
    """Seconds since 1970: the data contains all changes up to then."""
    replication_sequence: int | None
    replication_url: str
    writing_program: str

    @classmethod
    def parse(cls, block: bytes) -> Self:
        """From a decompressed HeaderBlock. Raises InputError if it requires a feature that is not supported."""
        header = ffi.new("osm3s_pbf_header *")
        check(lib.osm3s_pbf_decode_header(block, len(block), header))
        box = header.bbox
        return cls(
            has_history=bool(header.has_history),
            bbox=(box.south, box.west, box.north, box.east) if header.has_bbox else None,
            replication_timestamp=header.replication_timestamp or None,
            replication_sequence=header.replication_sequence if header.replication_sequence >= 0 else None,
            replication_url=_text(header.replication_url, header.replication_url_len),
            writing_program=_text(header.writing_program, header.writing_program_len),
        )


class PbfReader:
    """Iterates over the batches of a PBF stream, one per blob. `header` is known from the start.

    `stream` needs `read` only, so a pipe will do. Raises InputError if the data is malformed or ends too early.
    """

    def __init__(self, stream: ByteSource, name: str, threads: int = 2) -> None:
        self.name = name
        self.bytes_read = 0
        self._stream = stream
        self._threads = max(1, threads)
        kind, blob, offset = self._next_blob() or (None, b"", 0)
        if kind != lib.OSM3S_BLOB_OSM_HEADER:
            raise InputError(f"{name}: not a PBF file of OSM data: it does not begin with an OSMHeader")
        try:
            self.header = PbfHeader.parse(decompress(blob))
        except InputError as error:
            raise self._located(error, offset) from None

    def __iter__(self) -> Iterator[Batch]:
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="read_pbf")
        pending: deque[Future[Batch]] = deque()
        try:
            while (found := self._next_blob()) is not None:
                kind, blob, offset = found
                if kind == lib.OSM3S_BLOB_OSM_DATA:
                    pending.append(pool.submit(self._decode, blob, offset))
                if len(pending) >= self._threads + AHEAD_BLOBS:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _decode(self, blob: bytes, offset: int) -> Batch:
        batch = Batch()
        try:
            block = decompress(blob)
            check(lib.osm3s_pbf_decode_block(block, len(block), batch.c))
        except InputError as error:
            raise self._located(error, offset) from None
        return batch

    def _located(self, error: InputError, offset: int) -> InputError:
        one_line = " ".join(str(error).split())
        return InputError(f"{self.name}: blob at byte {offset}: {one_line}")

    def _next_blob(self) -> tuple[int, bytes, int] | None:
        """Kind, blob and its offset in the file; None at the end."""
        offset = self.bytes_read
        prefix = self._read(4, may_end=True)
        if not prefix:
            return None
        header_len = int.from_bytes(prefix, "big")
        if header_len > lib.OSM3S_BLOB_HEADER_MAX:
            raise InputError(f"{self.name}: malformed PBF data at byte {offset}: a blob header of {header_len} bytes")
        header = self._read(header_len)
        kind, blob_len = ffi.new("int *"), ffi.new("uint32_t *")
        try:
            check(lib.osm3s_pbf_blob_header(header, header_len, kind, blob_len))
        except InputError as error:
            raise self._located(error, offset) from None
        return kind[0], self._read(blob_len[0]), offset

    def _read(self, n: int, may_end: bool = False) -> bytes:
        """Exactly n bytes; or none if the stream ends here and `may_end`."""
        data = self._stream.read(n)
        while len(data) < n and (more := self._stream.read(n - len(data))):
            data += more
        self.bytes_read += len(data)
        if len(data) < n and (data or not may_end):
            raise InputError(f"{self.name}: the file is truncated: it ends after {self.bytes_read} bytes inside a blob")
        return data


def decompress(blob: bytes) -> bytes:
    """The content of a Blob message. Raises InputError if it is damaged or not of the size it states."""
    found = ffi.new("osm3s_pbf_blob *")
    check(lib.osm3s_pbf_decode_blob(blob, len(blob), found))
    content, raw_len = blob[found.start : found.start + found.len], found.raw_len
    if found.compression == lib.OSM3S_BLOB_ZLIB:
        try:
            inflater = zlib.decompressobj()
            content = inflater.decompress(content, raw_len + 1)  # one more, to notice content that is too long
            complete = inflater.eof
        except zlib.error as error:
            raise InputError(f"damaged zlib data: {error}") from None
    elif found.compression == lib.OSM3S_BLOB_ZSTD:
        try:
            complete = zstandard.frame_content_size(content) in (-1, raw_len)
            if complete:
                content = zstandard.ZstdDecompressor().decompress(content, max_output_size=raw_len)
        except zstandard.ZstdError as error:
            raise InputError(f"damaged zstd data: {error}") from None
    else:
        complete = True
    if not complete or len(content) != raw_len:
        raise InputError(f"the decompressed block does not have the {raw_len} bytes it should have")
    return content


def _text(pointer: object, length: int) -> str:
    raw: bytes = ffi.unpack(pointer, length) if length else b""
    return raw.decode("utf-8", "replace")


def read_pbf(path: str, threads: int = 2) -> PbfReader:
    """Open a PBF file by path; see PbfReader."""
    try:
        return PbfReader(open(path, "rb"), path, threads)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
