"""A map without elements that lies nowhere, for rehearsals in a process that must not open a database: it will fork."""

from __future__ import annotations

from osm3s.paths import DatabaseDir
from osm3s.storage.settings import DatabaseSettings
from osm3s.storage.snapshot import Snapshot


class EmptySnapshot(Snapshot):
    def __init__(self) -> None:
        self._db, self._env = DatabaseDir(""), _NoIndex()
        self._load(self._env, DatabaseSettings(level="meta"), [])
        self._areas_wanted = True  # and there are none


class _NoIndex:
    """What a snapshot asks of an LMDB environment, transaction and cursor, when there is nothing in them."""

    def id(self) -> int:
        return 0

    def get(self, _key: bytes, default: bytes | None = None) -> bytes | None:
        return default

    def cursor(self) -> _NoIndex:
        return self

    def set_range(self, _key: bytes) -> bool:
        return False

    def abort(self) -> None:
        pass

    def close(self) -> None:
        pass
