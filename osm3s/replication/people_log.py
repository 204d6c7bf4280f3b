"""What `osm3s follow` tells people: a line per batch and per failure; systemd gets its notices, too."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from osm3s.errors import Osm3sError
from osm3s.replication.clock import Clock
from osm3s.replication.diff import Diff
from osm3s.replication.state import State, iso, seconds_of
from osm3s.service_manager import notify


class PeopleLog:
    """Writes to standard error, with the time unless the journal of systemd adds it."""

    def __init__(self, clock: Clock, *, quiet: bool = False) -> None:
        self._clock = clock
        self._quiet = quiet
        self._stamped = "JOURNAL_STREAM" not in os.environ
        self._began_s = 0.0
        self._started = self._waiting = False

    def say(self, text: str) -> None:
        prefix = f"{iso(self._clock.now_s())} " if self._stamped else ""
        print(prefix + text, file=sys.stderr, flush=True)

    def starts(self, sequence: int) -> None:
        if not self._started:
            self._started = True
            self.say(f"the data has the diffs up to {sequence}")

    def applies(self, diffs: Sequence[Diff]) -> None:
        self._began_s = self._clock.now_s()

    def applied(self, diffs: Sequence[Diff], state: State, newest: State) -> None:
        now_s = self._clock.now_s()
        first, last = diffs[0].sequence, diffs[-1].sequence
        numbers = str(last) if first == last else f"{first} to {last}"
        n_elements = sum(diff.n_elements for diff in diffs)
        text = f"{numbers}: {n_elements:,} elements in {now_s - self._began_s:.2f} s; the data is of {state.timestamp}"
        text += f", {duration(now_s - (seconds_of(state.timestamp) or now_s))} ago"
        if newest.sequence > last:
            text += f"; {newest.sequence - last} more diffs are there"
        notify(f"STATUS={text}")
        if not self._quiet:
            self.say(text)
        self._waiting = False

    def up_to_date(self, wait_s: float) -> None:
        if not self._waiting and not self._quiet:
            self.say(f"up to date; looking for the next diff in {duration(wait_s)}")
        self._waiting = True

    def failed(self, error: Osm3sError | MemoryError, n_failures: int, wait_s: float) -> None:
        what = "not enough memory" if isinstance(error, MemoryError) else str(error)
        text = f"{what}; trying again in {duration(wait_s)}" + (f" (failure {n_failures})" if n_failures > 1 else "")
        notify(f"STATUS={text}")
        self.say(text)
        self._waiting = False


def duration(seconds: float) -> str:
    """For people: "45 s", "12 min", "5 h", "3 days"."""
    for unit_s, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {name}"
    return f"{max(seconds, 0):.0f} s"
