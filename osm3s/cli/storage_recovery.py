"""The dispatcher's recovery, carried out by storage: the one place where the two meet."""

from __future__ import annotations

from dataclasses import dataclass

from osm3s.dispatch.recovery import Outcome
from osm3s.dispatch.version import Version
from osm3s.errors import Osm3sError
from osm3s.paths import OSM_BASE


@dataclass(frozen=True, slots=True)
class StorageRecovery:
    db_dir: str
    domain: str = OSM_BASE

    def roll_back_or_forward(self) -> Outcome:
        from osm3s.ffi import lib
        from osm3s.storage import recovery  # in the thread of the recovery: serving begins without waiting for LMDB

        lib.osm3s_say_when_damaged(b"dispatcher", Osm3sError.exit_status)
        action = recovery.recover(self.db_dir, self.domain)
        return Outcome(action, Version(*recovery.current_version(self.db_dir, self.domain)))
