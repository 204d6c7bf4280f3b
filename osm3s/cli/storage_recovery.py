"""The dispatcher's recovery, carried out by storage: the one place where the two meet."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from osm3s.dispatch.recovery import Outcome
from osm3s.dispatch.version import Version


@dataclass(frozen=True, slots=True)
class StorageRecovery:
    db_dir: str

    def roll_back_or_forward(self) -> Outcome:
        recovery = import_module("osm3s.storage.recovery")  # now, so that serving begins without waiting for LMDB
        action: str = recovery.recover(self.db_dir)
        current_version = getattr(recovery, "current_version", None)
        return Outcome(action, Version(*current_version(self.db_dir)) if current_version else None)
