"""Writing block files: frames go to their place, then to disk. Readers map these files; see native/snapshot.c."""

from __future__ import annotations

import os
from threading import local
from types import TracebackType

import zstandard

from osm3s.errors import StorageError
from osm3s.ffi import ffi, lib

ALIGNMENT_BYTES = 64
META_LEVEL = 1
ATTIC_LEVEL = 3
SMALL_PART_BYTES, SMALL_PART_LEVEL = 2048, -1
"""A table of codes for so few bytes takes ten times as long to make as it saves; they are merged with others soon."""
WRITE_BUFFER_BYTES = 1 << 22


class BlockWriter:
    """Appends extents to a block file through a buffer. `position` is where the next extent will be."""

    def __init__(self, path: str, position: int = 0) -> None:
        self.path = path
        self.bytes_written = 0
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}") from None
        self.position = position
        self._flushed = position
        self._buffer = bytearray()

    def append(self, *frames: bytes | memoryview) -> int:
        """Add an extent; return its offset, a multiple of 64."""
        padding = -self.position % ALIGNMENT_BYTES
        self._buffer += bytes(padding)
        offset = self.position + padding
        length = 0
        for frame in frames:
            self._buffer += frame
            length += len(frame)
        self.position = offset + length
        if len(self._buffer) > WRITE_BUFFER_BYTES:
            self.flush()
        return offset

    def write_at(self, offset: int, *frames: bytes | memoryview) -> None:
        """Write an extent at a free place inside the file."""
        self._write(b"".join(frames), offset)

    def _write(self, data: bytes | bytearray, offset: int) -> None:
        view = memoryview(data)
        try:
            while len(view):
                n = os.pwrite(self._fd, view, offset)
                offset += n
                view = view[n:]
                self.bytes_written += n
        except OSError as error:
            raise StorageError(f"{self.path}: cannot write: {error.strerror}; nothing was changed") from None

    def flush(self) -> None:
        """Hand what was appended to the kernel."""
        self._write(self._buffer, self._flushed)
        self._flushed += len(self._buffer)
        self._buffer = bytearray()

    def sync(self) -> None:
        """Everything appended is on disk when this returns."""
        self.flush()
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise StorageError(f"{self.path}: cannot write: {error.strerror}; nothing was changed") from None

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> BlockWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_decompressor = zstandard.ZstdDecompressor()


class _Compressors(local):
    """Of one thread, used again and again: making one takes longer than compressing a small frame."""

    def __init__(self) -> None:
        self.meta = zstandard.ZstdCompressor(level=META_LEVEL)
        self.attic = zstandard.ZstdCompressor(level=ATTIC_LEVEL)
        self.small_part = zstandard.ZstdCompressor(level=SMALL_PART_LEVEL)


_compressors = _Compressors()


def compress_meta(frame: bytes | memoryview) -> bytes:
    """May be called from several threads."""
    return _compressors.meta.compress(frame) if len(frame) else b""


def compress_attic(part: bytes) -> bytes:
    """A part of an attic, as it is stored."""
    compressor = _compressors.small_part if len(part) < SMALL_PART_BYTES else _compressors.attic
    return compressor.compress(part)


def decompress_meta(frame: bytes | memoryview) -> bytes:
    """Raises zstandard.ZstdError; the frame's checksum has been verified before."""
    return _decompressor.decompress(frame)


def checksum(data: bytes | memoryview) -> int:
    total: int = lib.osm3s_checksum(ffi.from_buffer(data), len(data))
    return total
