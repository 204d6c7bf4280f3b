"""Fetches diffs ahead of use, a few at a time: what a distant feed costs is waiting, which can be done in parallel."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future

from osm3s.replication.diff import Diff
from osm3s.replication.start import KnownFeed
from osm3s.replication.state import State

THREADS = 3
"""Connections at a time; more would be impolite."""
WINDOW = 12
"""Diffs that are fetched and verified, but not yet asked for."""


class FeedAhead:
    """The same feed. `diff` must be called by one thread only, and in the order of numbers."""

    def __init__(self, feed: KnownFeed) -> None:
        self._feed = feed
        self._newest = 0
        self._ordered: dict[int, Future[Diff]] = {}
        self._orders: queue.SimpleQueue[tuple[int, Future[Diff]]] = queue.SimpleQueue()
        self._has_threads = False

    @property
    def url(self) -> str | None:
        return self._feed.url

    def newest(self) -> State:
        state = self._feed.newest()
        self._newest = state.sequence
        return state

    def state(self, sequence: int) -> State:
        return self._feed.state(sequence)

    def diff(self, sequence: int) -> Diff:
        if not self._ordered and sequence >= self._newest:
            return self._feed.diff(sequence)
        for ahead in range(sequence, min(sequence + WINDOW, self._newest) + 1):
            if ahead not in self._ordered:
                self._order(ahead)
        try:
            return self._ordered[sequence].result()
        except BaseException:
            self._forget()  # what was fetched behind a failure is fetched again when it is needed
            raise
        finally:
            self._ordered.pop(sequence, None)

    def _order(self, sequence: int) -> None:
        self._ordered[sequence] = Future()
        self._orders.put((sequence, self._ordered[sequence]))
        if not self._has_threads:
            self._has_threads = True
            for _ in range(THREADS):  # daemons: the end of the program does not wait for a slow server
                threading.Thread(target=self._work, daemon=True).start()

    def _forget(self) -> None:
        for future in self._ordered.values():
            future.cancel()
        self._ordered.clear()

    def _work(self) -> None:
        while True:
            sequence, future = self._orders.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._feed.diff(sequence))
            except Exception as error:
                future.set_exception(error)
