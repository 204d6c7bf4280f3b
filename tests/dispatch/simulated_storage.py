"""Storage reduced to what the commit protocol needs: an index that holds a number, and a shadow beside it.

`index` holds the committed txn id; `shadow` holds "incomplete" or "complete N" while a write is in progress.
"""

from __future__ import annotations

import os
from pathlib import Path

from osm3s.dispatch.recovery import Outcome
from osm3s.dispatch.version import Version


class SimulatedStorage:
    def __init__(self, db_dir: str, domain: str = "osm_base") -> None:
        self.index = Path(db_dir, "index")
        self.shadow = Path(db_dir, "shadow")

    def txn_id(self) -> int:
        return int(self.index.read_text()) if self.index.exists() else 0

    def prepare(self) -> None:
        assert not self.shadow.exists(), "somebody else is writing"
        self.shadow.write_text("incomplete")

    def complete(self) -> None:
        self._replace(self.shadow, f"complete {self.txn_id() + 1}")

    def merge(self) -> Version:
        txn_id = int(self.shadow.read_text().split()[1])
        self._replace(self.index, str(txn_id))
        self.shadow.unlink()
        return self.version()

    def discard(self) -> None:
        self.shadow.unlink(missing_ok=True)

    def version(self) -> Version:
        txn_id = self.txn_id()
        return Version(txn_id, f"2026-11-21T00:{txn_id:02}:00Z", str(100 + txn_id))

    def roll_back_or_forward(self) -> Outcome:
        if Path(self.index.parent, "broken").exists():
            raise OSError("the disk is full")
        if not self.shadow.exists():
            return Outcome("clean", self.version())
        if self.shadow.read_text().startswith("complete"):
            return Outcome("rolled_forward", self.merge())
        self.discard()
        return Outcome("rolled_back", self.version())

    @staticmethod
    def _replace(path: Path, text: str) -> None:
        temporary = path.with_suffix(".tmp")
        temporary.write_text(text)
        os.replace(temporary, path)
