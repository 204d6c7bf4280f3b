"""Permission to read a database: that of its dispatcher, held until the answer is complete."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from osm3s.dispatch.client import NOT_RUNNING_ORIGIN, DispatcherClient, is_running
from osm3s.dispatch.session import ReadSession
from osm3s.dispatch.version import Version
from osm3s.dispatch.wire import encode
from osm3s.errors import ContextError, DispatcherError, UsageError
from osm3s.ffi import lib
from osm3s.paths import DatabaseDir
from osm3s.serve.reuse import process

if TYPE_CHECKING:
    from osm3s.serve.request import Database

PROLONGATE_FROM_S = 300
"""Queries that may run this long tell the dispatcher from time to time that they live. Shorter ones end before it
would ask."""
PROLONGATE_EVERY_S = 30.0
MOST_ASKED_BYTES = 64 * 1024
"""At least what a rehearsed query asks with."""


class Permission:
    """`root` is the database directory. The permission has been asked for; `wait` returns when it is granted."""

    def __init__(self, root: str, client: DispatcherClient | None, timeout_s: int, held: ExitStack) -> None:
        self.root = root
        self._client = client
        self._timeout_s = timeout_s
        self._held = held
        self._session: ReadSession | None = None

    def wait(self) -> int:
        """The oldest version (txn id) that is kept for us from now on. Raises DispatcherError if the dispatcher
        refuses."""
        if self._client is None:
            return 0
        self._session = session = self._held.enter_context(self._client.granted_reading())
        if self._timeout_s >= PROLONGATE_FROM_S:
            signs = _signs_by_timer(self._client) if process.is_frontend else session.kept_alive()
            self._held.enter_context(signs)
        return session.version.txn_id

    def opened(self, txn_id: int) -> None:
        """Tell the dispatcher which snapshot is being read."""
        if self._session is not None:
            self._session.opened(txn_id)

    def finish(self, cpu_ms: int) -> None:
        """The query is over, and has cost so much. Its client may ask the next one as soon as it has the last byte, so
        the dispatcher must know before that."""
        if self._session is not None:
            self._session.finish(cpu_ms)


_prepared: list[tuple[Database, DispatcherClient]] = []


def prepare(database: Database) -> None:
    """Connect to the dispatcher now, so that the next `admitted` of this process need not."""
    with suppress(DispatcherError):
        _prepared.append((database, DispatcherClient.connect(database.root or None, database.socket_dir)))


class _Agreeable(DispatcherClient):
    """Asks nobody, and is granted everything."""

    def __init__(self, db_dir: str) -> None:
        ours, self._dispatcher = socket.socketpair()
        super().__init__(ours, db_dir)

    def ask_to_read(self, *arguments: Any, **named: Any) -> None:
        super().ask_to_read(*arguments, **named)
        self._dispatcher.recv(MOST_ASKED_BYTES)
        self._dispatcher.sendall(encode(("granted", PROLONGATE_EVERY_S, *Version())))

    def close(self) -> None:
        super().close()
        self._dispatcher.close()


@contextmanager
def rehearsing(database: Database) -> Iterator[None]:
    """The next `admitted` inside asks no dispatcher."""
    with _Agreeable(database.root) as client:
        _prepared.append((database, client))
        yield
        _prepared.clear()


def _take_prepared(database: Database) -> DispatcherClient | None:
    """The prepared connection, if the dispatcher has not gone meanwhile."""
    while _prepared:
        prepared_for, client = _prepared.pop()
        if prepared_for == database and client.connected:
            return client
        client.close()
    return None


def _keep_or_close(database: Database, client: DispatcherClient) -> Callable[..., None]:
    def end(kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and process.stays:
            _prepared.append((database, client))
        else:
            client.close()

    return end


@contextmanager
def admitted(
    database: Database, timeout_s: int, maxsize_bytes: int, query_text: str, address: str, api_key: str = ""
) -> Iterator[Permission]:
    """Asks for permission, which `Permission.wait` then waits for.

    Raises DispatcherError if the dispatcher does not run and `database` is not a direct one.
    """
    with ExitStack() as held:
        try:
            client = _take_prepared(database) or DispatcherClient.connect(database.root or None, database.socket_dir)
        except DispatcherError as error:
            if not database.direct or error.origin != NOT_RUNNING_ORIGIN:
                raise
            yield Permission(database.root, None, timeout_s, held)
            return
        held.push(_keep_or_close(database, client))
        client.ask_to_read(timeout_s, maxsize_bytes, query_text, address, api_key)
        if not process.is_frontend:
            yield Permission(client.db_dir, client, timeout_s, held)
            return
        lib.osm3s_query_runs(client.asked)
        try:
            yield Permission(client.db_dir, client, timeout_s, held)
        finally:
            lib.osm3s_query_runs(0)


@contextmanager
def _signs_by_timer(client: DispatcherClient) -> Iterator[None]:
    """A thread would cost more than a small query, and hardly a query lasts until the first sign."""
    connection, message = client.sign_of_life
    lib.osm3s_repeat_message(connection, message, len(message), round(PROLONGATE_EVERY_S * 1000))
    try:
        yield
    finally:
        lib.osm3s_repeat_no_more()


def direct(database: Database) -> Database:
    """The same database, to be read without a dispatcher. Raises ContextError if one runs, and UsageError if there is
    no database."""
    root = database.root.rstrip("/") or "/"
    if not os.path.exists(DatabaseDir(root).index):
        raise UsageError(f"There is no database in {root}: import one with update_database --db-dir={root}")
    if is_running(root, database.socket_dir):
        path = DatabaseDir(root).socket(database.socket_dir)
        raise ContextError(
            f"File {path} present, which indicates a running dispatcher. Delete file if no dispatcher is running."
        )
    return replace(database, root=root, direct=True)
