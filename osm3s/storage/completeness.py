"""Whether the files of a domain are as long as its index says; asked by writers before they change anything."""

from __future__ import annotations

import os
from collections.abc import Iterator

from osm3s.errors import CorruptError
from osm3s.paths import AREAS, DatabaseDir
from osm3s.storage.free_extents import rounded
from osm3s.storage.index import open_for_reading, read_settings
from osm3s.storage.settings import DatabaseSettings


def truncated_files(settings: DatabaseSettings, db: DatabaseDir) -> Iterator[str]:
    """One line for each block file that is shorter than the index says."""
    for file, (name, file_len) in enumerate(zip(db.block_files, settings.file_len, strict=False)):
        path = db.block_file(file)
        size = os.path.getsize(path) if os.path.exists(path) else 0
        if rounded(size) < file_len:  # what fills the last extent up need not have been written
            yield f"{name}: {size} bytes long, the index needs {file_len}: the file is truncated"


def require_complete(settings: DatabaseSettings, db: DatabaseDir) -> None:
    """Raises CorruptError if a block file is too short."""
    for what in truncated_files(settings, db):
        if db.domain == AREAS:
            remedy = f"remove {db.index}, and the areas are made anew"
        else:
            remedy = "restore the database from a copy, or import again into an empty directory"
        raise CorruptError(f"{db.root}: {what}; {remedy}")


def require_nothing_here(db: DatabaseDir) -> None:
    """Where there is no index, there are no block files that may belong to one. Raises CorruptError."""
    for name in db.block_files:
        path = db.file(name)
        if os.path.exists(path) and os.path.getsize(path):
            raise CorruptError(
                f"{db.index}: missing, but {name} is here: restore it, or remove what is left and import anew"
            )


def require_sound_areas(db: DatabaseDir) -> None:
    """If there are areas, they can be written. Raises StorageError, CorruptError."""
    if not db.areas.exists:
        return
    env = open_for_reading(db.areas)
    try:
        with env.begin() as txn:
            require_complete(read_settings(txn), db.areas)
    finally:
        env.close()
