"""Opening the index (LMDB). No process may fork while it has one open."""

from __future__ import annotations

import os
from typing import Any

import lmdb

from osm3s.errors import StorageError
from osm3s.paths import DatabaseDir
from osm3s.storage import index_keys
from osm3s.storage.settings import DatabaseSettings

MIN_MAP_BYTES = 1 << 28
MOST_READERS = 1024


def _storage_error(path: str, error: Exception) -> StorageError:
    text = str(error)
    if isinstance(error, lmdb.DiskError):
        text = f"the disk is full ({text})"
    return StorageError(f"{path}: {text}")


def open_for_reading(db: DatabaseDir) -> Any:
    """The LMDB environment, read-only. StorageError if there is no database."""
    if not os.path.exists(db.index):
        raise StorageError(f"{db.root}: no database here: import one with update_database --db-dir={db.root}")
    try:
        return lmdb.open(db.index, subdir=False, readonly=True, lock=True, max_readers=MOST_READERS, create=False)
    except lmdb.Error as error:
        raise _storage_error(db.index, error) from None


def open_for_writing(path: str, extra_bytes: int = 0) -> Any:
    """The LMDB environment of `path`, created if need be, with room for its size twice over and `extra_bytes`."""
    size = os.path.getsize(path) if os.path.exists(path) else 0
    room = max(MIN_MAP_BYTES, 2 * size + 4 * extra_bytes)
    try:
        return lmdb.open(
            path,
            subdir=False,
            map_size=room // 4096 * 4096,
            max_readers=MOST_READERS,
            readahead=False,
            meminit=False,
            mode=0o664,
        )
    except lmdb.Error as error:
        raise _storage_error(path, error) from None


def read_settings(txn: Any) -> DatabaseSettings:
    packed = txn.get(index_keys.setting("database"))
    if packed is None:
        raise StorageError("the index has no settings: the database is damaged; import it again")
    return DatabaseSettings.unpack(bytes(packed))


def settings_in_file(path: str) -> DatabaseSettings:
    """The settings in an index, wherever the file lies; nothing is written. Raises StorageError, CorruptError."""
    try:
        env = lmdb.open(path, subdir=False, readonly=True, lock=False, create=False)
    except lmdb.Error as error:
        raise _storage_error(path, error) from None
    try:
        with env.begin() as txn:
            return read_settings(txn)
    except lmdb.Error as error:
        raise _storage_error(path, error) from None
    finally:
        env.close()
