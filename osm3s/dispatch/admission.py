"""Who may start a query now, as the state machine asks it: limits, verdicts, and the counters of monitoring programs.

The state machine asks `request` when a query arrives, and again whenever a query has ended, a limit was changed or the
time named in a `Wait` has come. `OpenAdmission` grants everything; it keeps the counters and the claimed totals. The
rules of the reference are in `resource_planner`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

DEFAULT_SPACE_BYTES = 12 << 30
DEFAULT_TIME_UNITS = 262_144
AVERAGE_OVER_S = 15


class Claim(NamedTuple):
    """What a query promises to stay within, and who asks."""

    timeout_s: int
    maxsize_bytes: int
    token: int = 0
    """Number derived from the client's address; 0 has no address and is never limited."""
    full_hash: int = 0
    anonymous_hash: int = 0
    address: str = ""
    query_text: bytes = b""

    def log_suffix(self) -> str:
        """Hashes, token and address as they stand in transactions.log."""
        return f"{self.anonymous_hash:x} {self.full_hash:x} {self.token} {self.address or '::'}"


@dataclass(slots=True)
class Limits:
    space_bytes: int = DEFAULT_SPACE_BYTES
    time_units: int = DEFAULT_TIME_UNITS
    rate_limit: int = 0
    """Queries per token at a time; 0 is no limit."""
    allow_duplicate_queries: bool = False

    def change(self, space_bytes: int, time_units: int, rate_limit: int, allow_duplicates: int) -> None:
        """Set what is given: 0 keeps space and time, -1 keeps the other two."""
        self.space_bytes = space_bytes or self.space_bytes
        self.time_units = time_units or self.time_units
        if rate_limit >= 0:
            self.rate_limit = rate_limit
        if allow_duplicates >= 0:
            self.allow_duplicate_queries = bool(allow_duplicates)


class Granted(NamedTuple):
    pass


class Wait(NamedTuple):
    """Not now; ask again at the latest at this time."""

    until_s: float


class Refused(NamedTuple):
    """`reason` is "rate_limited", "timeout" (too much load) or "duplicate_query"."""

    reason: str
    retry_after_s: int = 0
    """When a slot will be free; 0 if that cannot be told."""


Verdict = Granted | Wait | Refused


class Admission(Protocol):
    """Connections are named by their number; all times are in seconds of one clock that never goes back."""

    limits: Limits
    started: int
    finished: int
    load_shedded: int
    rate_limited: int
    duplicates: int
    claimed_space_bytes: int
    claimed_time_units: int
    average_space_bytes: int
    average_time_units: int

    def request(self, conn: int, claim: Claim, since_s: float, now_s: float) -> Verdict:
        """May this query, which first asked at `since_s`, start?"""

    def forget(self, conn: int) -> None:
        """A query that was not granted, and may have been told to wait, has gone."""

    def release(self, conn: int, now_s: float, *, finished: bool) -> None:
        """A query that was granted has ended, by itself or because its process died or fell silent."""

    def give_slots(self, token: int, slots: int) -> None:
        """From now on this client has its own number of slots."""

    def rate_limit(self, token: int) -> int:
        """Queries of this client at a time; 0 is no limit."""

    def cooldowns(self, now_s: float) -> list[tuple[int, float]]:
        """(token, time at which the slot is free again) of slots that are blocked after their query has ended."""


class OpenAdmission:
    """Grants everything at once."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.started = 0
        self.finished = 0
        self.load_shedded = 0
        self.rate_limited = 0
        self.duplicates = 0
        self.claimed_space_bytes = 0
        self.claimed_time_units = 0
        self.average_space_bytes = 0
        self.average_time_units = 0
        self._active: dict[int, Claim] = {}
        self._recent: list[tuple[int, int]] = [(0, 0)] * AVERAGE_OVER_S
        self._recent_until_s = 0

    def request(self, conn: int, claim: Claim, since_s: float, now_s: float) -> Verdict:
        self._average(now_s)
        self._active[conn] = claim
        self.claimed_space_bytes += claim.maxsize_bytes
        self.claimed_time_units += claim.timeout_s
        self.started += 1
        return Granted()

    def forget(self, conn: int) -> None:
        pass  # nobody is ever told to wait

    def release(self, conn: int, now_s: float, *, finished: bool) -> None:
        self._average(now_s)
        claim = self._active.pop(conn)
        self.claimed_space_bytes -= claim.maxsize_bytes
        self.claimed_time_units -= claim.timeout_s
        self.finished += finished

    def give_slots(self, token: int, slots: int) -> None:
        pass  # nobody's slots are counted

    def rate_limit(self, token: int) -> int:
        return self.limits.rate_limit

    def cooldowns(self, now_s: float) -> list[tuple[int, float]]:
        return []

    def _average(self, now_s: float) -> None:
        """Account for the whole seconds since the last change, during which the claims were what they are now."""
        second = int(now_s)
        passed = min(second - self._recent_until_s, AVERAGE_OVER_S)
        if passed <= 0:
            return
        self._recent = self._recent[passed:] + [(self.claimed_space_bytes, self.claimed_time_units)] * passed
        self._recent_until_s = second
        self.average_space_bytes = sum(space for space, _ in self._recent) // AVERAGE_OVER_S
        self.average_time_units = sum(time for _, time in self._recent) // AVERAGE_OVER_S
