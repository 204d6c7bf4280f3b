"""The shadow: the index entries of a commit, complete and safe on disk before the index itself is touched.

An LMDB environment written in one transaction: `P` key -> new value, `D` key: removed, `M`: what makes it complete.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from zlib import crc32

import lmdb
import msgpack

from osm3s import failpoint
from osm3s.errors import StorageError
from osm3s.paths import DatabaseDir

PUT, DELETED, MARK = b"P", b"D", b"M"
PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Shadow:
    base_commit: int
    """The commit that the changes are based on."""
    changes: dict[bytes, bytes | None]


def write_shadow(db: DatabaseDir, base_commit: int, changes: Mapping[bytes, bytes | None]) -> None:
    """Write the shadow; it is complete and on disk when this returns. Raises StorageError (disk full)."""
    remove_shadow(db)
    size = sum(len(key) + len(value or b"") + PAGE_BYTES for key, value in changes.items())
    map_size = (2 * size + (1 << 20)) // PAGE_BYTES * PAGE_BYTES
    try:
        env = lmdb.open(db.shadow, subdir=False, lock=False, map_size=map_size, mode=0o664, meminit=False)
        try:
            with env.begin(write=True) as txn:
                total = 0
                for key in sorted(changes):
                    value = changes[key]
                    total = _sum(total, key, value)
                    txn.put(DELETED + key if value is None else PUT + key, value or b"")
                txn.put(MARK, msgpack.packb([base_commit, len(changes), total]))
                failpoint.reached("before_shadow_complete")
        finally:
            env.close()
    except lmdb.Error as error:
        remove_shadow(db)
        raise StorageError(f"{db.shadow}: cannot write: {error}; nothing was changed") from None


def read_shadow(db: DatabaseDir) -> Shadow | None:
    """The shadow, or None if there is none or it is not complete."""
    if not os.path.exists(db.shadow):
        return None
    try:
        env = lmdb.open(db.shadow, subdir=False, lock=False, readonly=True, create=False)
        try:
            with env.begin() as txn:
                mark = txn.get(MARK)
                if mark is None:
                    return None
                base_commit, n, stated = msgpack.unpackb(mark)
                entries = {bytes(key): value for key, value in txn.cursor() if key != MARK}
        finally:
            env.close()
    except (lmdb.Error, ValueError, OSError):
        return None
    changes = {key[1:]: value if key[:1] == PUT else None for key, value in entries.items()}
    total = 0
    for key in sorted(changes):
        total = _sum(total, key, changes[key])
    return Shadow(base_commit, changes) if (n, stated) == (len(changes), total) else None


def remove_shadow(db: DatabaseDir) -> bool:
    """Whether there was one."""
    with suppress(FileNotFoundError):
        os.unlink(db.shadow)
        return True
    return False


def _sum(total: int, key: bytes, value: bytes | None) -> int:
    return crc32(b"\0" if value is None else value, crc32(key, total))
