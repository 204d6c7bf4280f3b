"""The loop that keeps a database up to date: where are we, what is there, fetch, verify, apply, wait.

Nothing that a feed, the network, the disk or the dispatcher does ends it: it tells what is wrong, waits and tries again
from what the database says, so that it goes on by itself when the cause is gone. What ends it is a start that would
leave a gap (UsageError), and signals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from osm3s.errors import Osm3sError, UsageError
from osm3s.replication.clock import Clock
from osm3s.replication.diff import Diff
from osm3s.replication.errors import FeedError, Moved, OutOfSequence
from osm3s.replication.feed import Feed
from osm3s.replication.pace import Pace
from osm3s.replication.start import KnownFeed, start_sequence
from osm3s.replication.state import State, seconds_of
from osm3s.replication.target import Position
from osm3s.update.update_files import DataVersion


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one batch, which is one transaction; it ends with the first diff that exceeds one of them."""

    most_diffs: int = 1440
    most_bytes: int = 64 << 20
    """Of XML, unpacked."""


class Applying(Protocol):
    def position(self) -> Position: ...

    def apply(self, diffs: Sequence[Diff], base: Position, version: DataVersion) -> None: ...


class Journal(Protocol):
    """Who is told what the loop does."""

    def starts(self, sequence: int) -> None:
        """A round starts from this diff, the last that is in the data."""

    def applies(self, diffs: Sequence[Diff]) -> None: ...

    def applied(self, diffs: Sequence[Diff], state: State, newest: State) -> None: ...

    def up_to_date(self, wait_s: float) -> None: ...

    def failed(self, error: Osm3sError | MemoryError, n_failures: int, wait_s: float) -> None: ...


@dataclass(slots=True)
class Follower:
    """Follows one feed. `asked`: the last diff that is in the data, if the database does not know."""

    feed: KnownFeed
    target: Applying
    pace: Pace
    clock: Clock
    journal: Journal
    limits: Limits = field(default_factory=Limits)
    asked: int | None = None
    _position: Position | None = None
    _sequence: int = 0
    _most_diffs: int = 0
    """How many diffs are tried at once: fewer after a failure, so that what can be applied is."""

    def run(self, *, once: bool = False) -> None:
        """Follow for ever, or `once`: until the newest diff is in. Raises UsageError; with `once` the first failure."""
        n_failures = 0
        while True:
            try:
                if self.step():
                    n_failures = 0
                    continue
            except UsageError:
                raise
            except Moved as error:  # by another process, or by a commit that was interrupted and is made whole now
                self.journal.failed(error, 1, 0.0)
                continue
            except (Osm3sError, MemoryError) as error:
                if once:
                    raise
                n_failures += 1
                wait_s = self.pace.after_failure_s(n_failures, error)
                self.journal.failed(error, n_failures, wait_s)
            else:
                n_failures = 0
                if once:
                    return
                wait_s = self.pace.until_due_s(self.clock.now_s())
                self.journal.up_to_date(wait_s)
            self.clock.wait(wait_s)

    def step(self) -> bool:
        """One round; False if there was nothing to do. Raises Osm3sError; whatever was applied before it is kept."""
        position = self.target.position()
        if position != self._position:
            self._sequence = start_sequence(self.feed, position, self.asked)
            self._position = position
        self.journal.starts(self._sequence)
        newest = self.feed.newest()
        self.pace.seen(newest)
        if newest.sequence < self._sequence:
            raise OutOfSequence(
                f"the newest diff of the feed is {newest.sequence}, but the data has those up to {self._sequence}: "
                "the feed has begun anew, or it is another one"
            )
        diffs, problem = self._collect(newest)
        if diffs:
            self._apply(diffs, newest)
        if problem is not None:
            raise problem
        return bool(diffs)

    def _collect(self, newest: State) -> tuple[list[Diff], FeedError | None]:
        """The verified diffs that come next, and what is wrong with the one behind them."""
        most_diffs = self._most_diffs or self.limits.most_diffs
        diffs: list[Diff] = []
        n_bytes = 0
        for sequence in range(self._sequence + 1, min(newest.sequence, self._sequence + most_diffs) + 1):
            try:
                diffs.append(self.feed.diff(sequence))
            except FeedError as error:
                return diffs, error
            n_bytes += diffs[-1].unpacked_bytes
            if n_bytes > self.limits.most_bytes:
                break
        return diffs, None

    def _apply(self, diffs: list[Diff], newest: State) -> None:
        position, last = self._position, diffs[-1].sequence
        assert position is not None
        assert [diff.sequence for diff in diffs] == list(range(self._sequence + 1, last + 1))
        try:
            state = newest if newest.sequence == last else self.feed.state(last)
            self._refuse_older(state, position)
            self.journal.applies(diffs)
            self.target.apply(diffs, position, DataVersion(state.timestamp, str(last), self.feed.url))
        except (Osm3sError, MemoryError):
            self._most_diffs = max(1, len(diffs) // 4)
            raise
        if self._most_diffs:
            self._most_diffs = min(4 * self._most_diffs, self.limits.most_diffs)
        self._sequence = last
        url = position.replication_url if self.feed.url is None else self.feed.url
        self._position = Position(str(last), url, state.timestamp, position.level)
        self.journal.applied(diffs, state, newest)

    def _refuse_older(self, state: State, position: Position) -> None:
        """What follows in the same feed cannot be older than what is in the data."""
        if position.sequence != self._sequence:
            return  # the data is not from this feed
        known_s = seconds_of(position.timestamp)
        if known_s is not None and (seconds_of(state.timestamp) or 0) < known_s:
            raise OutOfSequence(
                f"diff {state.sequence} is of {state.timestamp}, but the data is of {position.timestamp} already: "
                "the feed has been rewritten"
            )


def learn_interval(feed: Feed, pace: Pace) -> None:
    """Ask the feed how often diffs come, by its two newest states."""
    newest = feed.newest()
    if newest.sequence > 0:
        pace.seen(newest, feed.state(newest.sequence - 1))
