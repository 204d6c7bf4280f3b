"""Byte streams under the OSM file readers: counting, looking ahead, decompressing. All of them work on pipes."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol

from osm3s.errors import InputError

CHUNK_BYTES = 32 * 1024
"""Compressed bytes taken at a time; small, because all they expand to is held at once."""


class ByteSource(Protocol):
    def read(self, n: int, /) -> bytes:
        """At least one and at most n bytes; none at the end."""


class CountedStream:
    """A file or pipe that counts what was taken from it. A failing read is an InputError."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.name = name
        self.bytes_read = 0
        self._stream = stream
        self._ahead = b""

    def read(self, n: int) -> bytes:
        data, self._ahead = self._ahead[:n], self._ahead[n:]
        data = data or self._read(n)
        self.bytes_read += len(data)
        return data

    def peek(self, n: int) -> bytes:
        """The next n bytes, fewer only if the stream ends before; they are still there for `read`."""
        while len(self._ahead) < n and (more := self._read(n - len(self._ahead))):
            self._ahead += more
        return self._ahead[:n]

    def _read(self, n: int) -> bytes:
        try:
            return self._stream.read(n)
        except OSError as error:
            raise InputError(f"{self.name}: {error.strerror}") from None


class DecompressedStream:
    """What a compressed stream holds. Several compressed files in a row count as one, as in the tools' formats.

    Raises InputError if the data is damaged, or ends before its end mark.
    """

    def __init__(self, source: CountedStream, kind: str) -> None:
        self._source = source
        self._kind = kind
        self._new_inflater, self._damaged = _INFLATERS[kind]()
        self._inflater = self._new_inflater()
        self._decompressed = b""

    def read(self, n: int) -> bytes:
        while not self._decompressed and self._fill():
            pass
        data, self._decompressed = self._decompressed[:n], self._decompressed[n:]
        return data

    def _fill(self) -> bool:
        """Decompress some more; False at the end of the stream."""
        compressed = b""
        if self._inflater.eof:
            compressed = self._inflater.unused_data.lstrip(b"\0")  # archives on tape are padded with zeros
            if not compressed:
                compressed = self._source.read(CHUNK_BYTES).lstrip(b"\0")
            if not compressed:
                return False
            self._inflater = self._new_inflater()
        else:
            compressed = self._source.read(CHUNK_BYTES)
            if not compressed:
                raise InputError(f"{self._source.name}: the file is truncated: its {self._kind} data ends too early")
        try:
            self._decompressed = self._inflater.decompress(compressed)
        except self._damaged as error:
            raise InputError(f"{self._source.name}: damaged {self._kind} data: {error}") from None
        return True

    def peek(self, n: int) -> bytes:
        """As CountedStream.peek."""
        ahead = b""
        while len(ahead) < n and (more := self.read(n - len(ahead))):
            ahead += more
        self._decompressed = ahead + self._decompressed
        return ahead


_Inflater = tuple[Callable[[], Any], type[Exception]]


def _gzip() -> _Inflater:
    return lambda: zlib.decompressobj(wbits=31), zlib.error


def _bzip2() -> _Inflater:
    import bz2

    return bz2.BZ2Decompressor, OSError


def _xz() -> _Inflater:
    import lzma

    return lzma.LZMADecompressor, lzma.LZMAError


def _zstd() -> _Inflater:
    import zstandard

    return lambda: zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj(), zstandard.ZstdError


_INFLATERS: dict[str, Callable[[], _Inflater]] = {"gzip": _gzip, "bzip2": _bzip2, "xz": _xz, "zstd": _zstd}
"""Decompressor and its exception, imported when needed: each costs milliseconds."""

_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


def compression(first_bytes: bytes) -> str | None:
    """Which compression data that begins like this has."""
    return next((kind for magic, kind in _MAGIC.items() if first_bytes.startswith(magic)), None)
