"""The shadow: the index entries of a commit, complete and safe on disk before the index itself is touched.

| bytes | what |
|---|---|
| 4 | magic |
| 4 | CRC-32 of all that follows |
| 8 | the commit that the changes are based on |
| 8 | length of the rest |
| rest | zstd of, per entry: key length(2), value length(4; 0xffffffff: the entry is removed), key, value |

One file and one sync, so that a small commit is short; the checksum tells a complete one from a torn one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError
from zlib import crc32

import zstandard

from osm3s import failpoint
from osm3s.errors import StorageError
from osm3s.paths import DatabaseDir

MAGIC = 0x3153334F  # "O3S1"
REMOVED = 0xFFFFFFFF

_HEAD = Struct("<II")
_COMMIT = Struct("<QQ")
_ENTRY = Struct("<HI")
_compressor = zstandard.ZstdCompressor(level=1)
_decompressor = zstandard.ZstdDecompressor()


@dataclass(frozen=True, slots=True)
class Shadow:
    base_commit: int
    """The commit that the changes are based on."""
    changes: dict[bytes, bytes | None]


def write_shadow(db: DatabaseDir, base_commit: int, changes: Mapping[bytes, bytes | None]) -> None:
    """Write the shadow; it is complete and on disk when this returns. Raises StorageError (disk full)."""
    parts: list[bytes] = []
    for key, value in changes.items():
        parts += (_ENTRY.pack(len(key), REMOVED if value is None else len(value)), key, value or b"")
    packed = _compressor.compress(b"".join(parts))
    rest = _COMMIT.pack(base_commit, len(packed)) + packed
    try:
        with open(db.shadow, "wb", buffering=0) as file:
            _write(file.fileno(), rest, _HEAD.size)
            failpoint.reached("before_shadow_complete")
            _write(file.fileno(), _HEAD.pack(MAGIC, crc32(rest)), 0)
            os.fdatasync(file.fileno())
    except OSError as error:
        remove_shadow(db)
        raise StorageError(f"{db.shadow}: cannot write: {error.strerror}; nothing was changed") from None


def _write(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        n = os.pwrite(descriptor, view, offset)
        view, offset = view[n:], offset + n


def read_shadow(db: DatabaseDir) -> Shadow | None:
    """The shadow, or None if there is none or it is not complete."""
    try:
        with open(db.shadow, "rb") as file:
            data = file.read()
        magic, stated = _HEAD.unpack_from(data)
        base_commit, length = _COMMIT.unpack_from(data, _HEAD.size)
        rest = data[_HEAD.size :]
        if magic != MAGIC or len(rest) != _COMMIT.size + length or crc32(rest) != stated:
            return None
        entries = _decompressor.decompress(rest[_COMMIT.size :])
    except (OSError, StructError, zstandard.ZstdError):
        return None
    return Shadow(base_commit, _unpacked(entries))


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
