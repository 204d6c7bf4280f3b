"""What the reference's update scripts write into their logs, line by line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from osm3s.errors import Osm3sError
from osm3s.replication.clock import Clock
from osm3s.replication.diff import Diff
from osm3s.replication.errors import Absent
from osm3s.replication.state import State


@dataclass(slots=True)
class ScriptLog:
    """`path` is apply_osc_to_db.log or fetch_osc_and_apply.log. What went wrong goes to standard error, too."""

    path: str
    clock: Clock
    _applying: bool = False

    def line(self, text: str) -> None:
        append(self.path, f"{date_and_time(self.clock)}: {text}\n")

    def begins(self) -> None:
        append(self.path, "\n")

    def starts(self, sequence: int) -> None:
        self.line(f"updating from {sequence}")

    def applies(self, diffs: Sequence[Diff]) -> None:
        self.line(f"updating to {diffs[-1].sequence}")
        self._applying = True

    def applied(self, diffs: Sequence[Diff], state: State, newest: State) -> None:
        self._applying = False
        self.line(f"update complete {diffs[-1].sequence}")

    def up_to_date(self, wait_s: float) -> None:
        """The reference says nothing."""

    def failed(self, error: Osm3sError | MemoryError, n_failures: int, wait_s: float) -> None:
        self._applying = False
        if isinstance(error, Absent):
            return  # what is not there yet is waited for
        text = f"{error if isinstance(error, Osm3sError) else 'not enough memory'}; trying again in {wait_s:.0f} s"
        self.line(text)
        print(text, file=sys.stderr, flush=True)

    def terminated(self) -> None:
        """A signal ends the program."""
        if self._applying:
            self.line("update_from_dir terminated")


def date_and_time(clock: Clock) -> str:
    return datetime.fromtimestamp(clock.now_s(), UTC).strftime("%Y-%m-%d %H:%M:%S")


def append(path: str, text: str) -> None:
    """Never raises: a log is not the data."""
    with suppress(OSError), open(path, "a", encoding="utf-8", errors="surrogateescape") as log:
        log.write(text)
