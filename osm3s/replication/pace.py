"""How long to wait: until the next diff is due, and after a failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from osm3s.replication.errors import Absent
from osm3s.replication.state import State, seconds_of

SHORTEST_S, LONGEST_S = 5.0, 900.0
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 5.0, 300.0
USUAL_INTERVAL_S = 60.0


class Pace(Protocol):
    def seen(self, newest: State, before: State | None = None) -> None:
        """The newest state of the feed, and perhaps an older one."""

    def until_due_s(self, now_s: float) -> float:
        """How long to wait when everything has been applied."""

    def after_failure_s(self, n_failures: int, error: Exception) -> float:
        """How long to wait after so many failures in a row (1 and more)."""


@dataclass(frozen=True, slots=True)
class FixedPace:
    """As the reference's scripts."""

    idle_s: float
    failure_s: float

    def seen(self, newest: State, before: State | None = None) -> None:
        """What a feed says changes nothing."""

    def until_due_s(self, now_s: float) -> float:
        return self.idle_s

    def after_failure_s(self, n_failures: int, error: Exception) -> float:
        return self.idle_s if isinstance(error, Absent) else self.failure_s


class FeedPace:
    """Learns from the states how often diffs come: minutely, hourly, daily or however it is."""

    def __init__(self) -> None:
        self.interval_s = USUAL_INTERVAL_S
        self._newest: State | None = None

    def seen(self, newest: State, before: State | None = None) -> None:
        before = before or self._newest
        if before is not None and newest.sequence > before.sequence:
            elapsed_s = (seconds_of(newest.timestamp) or 0) - (seconds_of(before.timestamp) or 0)
            if elapsed_s > 0:
                self.interval_s = elapsed_s / (newest.sequence - before.sequence)
        self._newest = newest

    def until_due_s(self, now_s: float) -> float:
        """At most a quarter of an hour; when the diff is overdue, a sixth of the interval, later more."""
        if self._newest is None:
            return SHORTEST_S
        overdue_s = now_s - (seconds_of(self._newest.timestamp) or 0) - self.interval_s
        wait_s = -overdue_s if overdue_s < 0 else max(self.interval_s / 6, overdue_s / 60)
        return min(max(wait_s, SHORTEST_S), LONGEST_S)

    def after_failure_s(self, n_failures: int, error: Exception) -> float:
        backoff_s = FIRST_BACKOFF_S * 2.0 ** min(n_failures - 1, 10)
        return max(min(backoff_s, LONGEST_BACKOFF_S), getattr(error, "retry_after_s", 0.0))
