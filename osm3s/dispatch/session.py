"""What a client of the dispatcher holds: permission to read, or to write."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from osm3s.dispatch.version import Version
from osm3s.errors import DispatcherError


class Connection(Protocol):
    """To the dispatcher. `origin` names the place in the DispatcherError that is raised if it is lost."""

    def tell(self, message: Sequence[Any], origin: str) -> None: ...

    def ask(self, message: Sequence[Any], origin: str) -> list[Any]:
        """The answer."""

    def ask_ok(self, message: Sequence[Any], origin: str) -> list[Any]:
        """Raises DispatcherError if the answer is no."""


class Session:
    """Something that is held by giving signs of life."""

    def __init__(self, connection: Connection, purge_timeout_s: float, version: Version) -> None:
        self.version = version
        """The version that was published when the session began."""
        self._connection = connection
        self.interval_s = min(purge_timeout_s / 10, 60.0)
        """So often a sign of life is due."""
        self._told_s = time.monotonic()

    def prolongate(self) -> None:
        """A sign of life. Cheap, so call it often: most calls only look at the clock.

        Raises DispatcherError if the session is lost.
        """
        now_s = time.monotonic()
        if now_s - self._told_s >= self.interval_s:
            self._connection.tell(("prolongate",), "Dispatcher_Client::prolongate::socket")
            self._told_s = now_s

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Inside, a thread gives the signs of life. A session that is lost meanwhile tells so at its next question."""
        import threading  # here: most queries are over before a sign is due

        over = threading.Event()

        def tell() -> None:
            with suppress(DispatcherError):
                while not over.wait(self.interval_s):
                    self.prolongate()

        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


class ReadSession(Session):
    def __init__(self, connection: Connection, purge_timeout_s: float, version: Version) -> None:
        super().__init__(connection, purge_timeout_s, version)
        self._over = False

    def opened(self, txn_id: int) -> None:
        """Tell which snapshot was opened; until then the one of `version` is kept for us, which may be older."""
        self._connection.tell(("read_idx_finished", txn_id), "Dispatcher_Client::read_idx_finished::socket")

    def finish(self, cpu_ms: int | None = None) -> None:
        """End the session now and not with its block. `cpu_ms`: what the query has cost, for transactions.log."""
        if self._over:
            return
        self._over = True
        statistics = "0" if cpu_ms is None else f"0 {cpu_ms}"  # the first number: blocks, which nobody counts here
        with suppress(DispatcherError):  # the query is answered, with or without a dispatcher
            self._connection.tell(("read_finished", statistics), "Dispatcher_Client::read_finished::socket")


class WriteSession(Session):
    def __init__(self, connection: Connection, purge_timeout_s: float, oldest_snapshot: int, version: Version) -> None:
        super().__init__(connection, purge_timeout_s, version)
        self.oldest_snapshot = oldest_snapshot
        """The oldest version (txn id) that a reader may be looking at."""
        self._over = False

    def commit(self, statistics: str = "") -> None:
        """Ask to commit what is complete on disk; merge it when this returns. `statistics` are for the log."""
        origin = "Dispatcher_Client::write_commit::socket"
        answer = self._connection.ask(("write_commit", statistics), origin)
        if answer[0] != "granted":
            raise DispatcherError(f"no permission to commit: {answer[2]}", origin)

    def done(self, version: Version) -> None:
        """The change is merged: publish it as this version and end the session."""
        self._over = True  # also if the dispatcher is lost: there is nothing to roll back any more
        self._connection.ask_ok(("write_done", *version), "Dispatcher_Client::write_commit::socket")

    def roll_back(self) -> None:
        """The change is discarded: end the session. Without effect when it is over."""
        if not self._over:
            self._over = True
            self._connection.ask_ok(("write_rollback",), "Dispatcher_Client::write_rollback::socket")
