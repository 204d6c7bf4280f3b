"""The shadow: the index entries of a commit, complete and safe on disk before the index itself is touched.

| bytes | what |
|---|---|
| 4 | magic |
| 4 | CRC-32 of all that follows |
| 8 | the commit that the changes are based on |
| 8 | number of new extents |
| 8 | length of the rest |
| 24 each | new extents: file(4), length(4), offset(8), checksum(8) |
| rest | zstd of, per entry: key length(2), value length(4; 0xffffffff: the entry is removed), key, value |

The checksum tells a complete shadow from a torn one, and those of the extents whether what the entries speak of has
reached the disk, too. So all files of a commit are synced at the same time, in any order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from struct import Struct
from struct import error as StructError
from typing import NamedTuple
from zlib import crc32

import zstandard

from osm3s import failpoint
from osm3s.errors import StorageError
from osm3s.paths import DatabaseDir
from osm3s.storage.block_files import checksum

MAGIC = 0x3253334F  # "O3S2"
REMOVED = 0xFFFFFFFF

_HEAD = Struct("<II")
_COMMIT = Struct("<QQQ")
_EXTENT = Struct("<IIQQ")
_ENTRY = Struct("<HI")
_compressor = zstandard.ZstdCompressor(level=1)
_decompressor = zstandard.ZstdDecompressor()


class WrittenExtent(NamedTuple):
    """What a commit has written into a block file."""

    file: int
    length: int
    offset: int
    sum: int


class Shadow(NamedTuple):
    base_commit: int
    """The commit that the changes are based on."""
    extents: list[WrittenExtent]
    changes: dict[bytes, bytes | None]


def write_shadow(
    db: DatabaseDir,
    base_commit: int,
    extents: Sequence[WrittenExtent],
    changes: Mapping[bytes, bytes | None],
    sync: Callable[[int], None],
) -> None:
    """Write the shadow. `sync` brings it, by its descriptor, and the extents to the disk.

    All is there when this returns. Raises StorageError (disk full).
    """
    parts: list[bytes] = []
    for key, value in changes.items():
        parts += (_ENTRY.pack(len(key), REMOVED if value is None else len(value)), key, value or b"")
    packed = _compressor.compress(b"".join(parts))
    listed = b"".join([_EXTENT.pack(*extent) for extent in extents])
    rest = _COMMIT.pack(base_commit, len(extents), len(packed)) + listed + packed
    try:
        with open(db.shadow, "wb", buffering=0) as file:
            _write(file.fileno(), rest, _HEAD.size)
            failpoint.reached("before_shadow_complete")
            _write(file.fileno(), _HEAD.pack(MAGIC, crc32(rest)), 0)
            failpoint.reached("before_sync")
            sync(file.fileno())
    except StorageError:
        remove_shadow(db)
        raise
    except OSError as error:
        remove_shadow(db)
        raise StorageError(f"{db.shadow}: cannot write: {error.strerror}; nothing was changed") from None


def _write(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        n = os.pwrite(descriptor, view, offset)
        view, offset = view[n:], offset + n


def read_shadow(db: DatabaseDir) -> Shadow | None:
    """The shadow, or None if there is none, or it or an extent of it is not complete."""
    try:
        with open(db.shadow, "rb") as file:
            data = file.read()
        magic, stated = _HEAD.unpack_from(data)
        base_commit, n_extents, length = _COMMIT.unpack_from(data, _HEAD.size)
        rest = memoryview(data)[_HEAD.size :]
        packed_at = _COMMIT.size + n_extents * _EXTENT.size
        if magic != MAGIC or len(rest) != packed_at + length or crc32(rest) != stated:
            return None
        extents = [WrittenExtent._make(extent) for extent in _EXTENT.iter_unpack(rest[_COMMIT.size : packed_at])]
        entries = _decompressor.decompress(rest[packed_at:])
    except (OSError, StructError, zstandard.ZstdError):
        return None
    return Shadow(base_commit, extents, _unpacked(entries)) if _are_written(db, extents) else None


def _are_written(db: DatabaseDir, extents: Sequence[WrittenExtent]) -> bool:
    """Whether all extents have been written; then they are on the disk when this returns.

    A process that was killed before its sync has left them to the kernel, where they look as if they were there.
    """
    descriptors: dict[int, int] = {}
    try:
        for file, length, offset, stated in extents:
            if file not in descriptors:
                descriptors[file] = os.open(db.block_file(file), os.O_RDONLY | os.O_CLOEXEC)
            content = os.pread(descriptors[file], length, offset)
            if len(content) != length or checksum(content) != stated:
                return False
        for descriptor in descriptors.values():
            os.fdatasync(descriptor)
    except OSError:
        return False
    finally:
        for descriptor in descriptors.values():
            os.close(descriptor)
    return True


def _unpacked(entries: bytes) -> dict[bytes, bytes | None]:
    changes: dict[bytes, bytes | None] = {}
    at = 0
    while at < len(entries):
        key_len, value_len = _ENTRY.unpack_from(entries, at)
        at += _ENTRY.size
        key = entries[at : at + key_len]
        at += key_len
        if value_len == REMOVED:
            changes[key] = None
        else:
            changes[key] = entries[at : at + value_len]
            at += value_len
    return changes


def remove_shadow(db: DatabaseDir) -> bool:
    """Whether there was one."""
    with suppress(FileNotFoundError):
        os.unlink(db.shadow)
        return True
    return False
