"""What the state machine asks its surroundings to do, in the order given. Told apart by their class."""

from __future__ import annotations

from typing import Any, NamedTuple

from osm3s.dispatch.version import Version


class Reply(NamedTuple):
    """Send this answer to a client."""

    conn: int
    message: tuple[Any, ...]


class GrantWrite(NamedTuple):
    """Create the writer's lock with its pid in it, watch the process, then send the answer.

    If the lock cannot be created, `State.lock_refused` is to be called instead.
    """

    conn: int
    pid: int
    message: tuple[Any, ...]


class ReleaseLock(NamedTuple):
    """Remove the writer's lock."""


class Publish(NamedTuple):
    """Show this version in the status page."""

    version: Version


class Recover(NamedTuple):
    """Roll an interrupted commit back or forward, then call `State.recovered` or `State.recovery_failed`."""


class ListReader(NamedTuple):
    """Note in the status page who reads which snapshot, so that the next dispatcher knows if this one is killed."""

    conn: int
    pid: int
    snapshot: int


class UnlistReader(NamedTuple):
    conn: int


class WatchProcess(NamedTuple):
    """Call `State.process_gone` once when this process has ended (at once if it already has)."""

    pid: int


class KillProcess(NamedTuple):
    """End a process that must not write any more; it is being watched."""

    pid: int


class AskToEnd(NamedTuple):
    """Ask a writer to stop (SIGTERM), because the dispatcher stops."""

    pid: int


class Close(NamedTuple):
    """Close a connection after what was sent to it."""

    conn: int


class DatabaseLog(NamedTuple):
    """A line of database.log; `pid` is its author's, 0 for the dispatcher itself."""

    text: str
    pid: int = 0


class TransactionsLog(NamedTuple):
    """A line of transactions.log, written on behalf of process `pid`. Bytes are a query text still to be escaped."""

    pid: int
    text: str
    query_text: bytes = b""


class StopListening(NamedTuple):
    """Accept no more connections."""


class Stop(NamedTuple):
    """Everything is done: end the process."""


Effect = (
    Reply
    | GrantWrite
    | ReleaseLock
    | Publish
    | Recover
    | ListReader
    | UnlistReader
    | WatchProcess
    | KillProcess
    | AskToEnd
    | Close
    | DatabaseLog
    | TransactionsLog
    | StopListening
    | Stop
)
