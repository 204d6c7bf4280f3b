"""What the state machine asks its surroundings to do, in the order given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from osm3s.dispatch.version import Version


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this answer to a client."""

    conn: int
    message: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class GrantWrite:
    """Create the writer's lock with its pid in it, watch the process, then send the answer.

    If the lock cannot be created, `State.lock_refused` is to be called instead.
    """

    conn: int
    pid: int
    message: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ReleaseLock:
    """Remove the writer's lock."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Show this version in the status page."""

    version: Version


@dataclass(frozen=True, slots=True)
class Recover:
    """Roll an interrupted commit back or forward, then call `State.recovered` or `State.recovery_failed`."""


@dataclass(frozen=True, slots=True)
class ListReader:
    """Note in the status page who reads which snapshot, so that the next dispatcher knows if this one is killed."""

    conn: int
    pid: int
    snapshot: int


@dataclass(frozen=True, slots=True)
class UnlistReader:
    conn: int


@dataclass(frozen=True, slots=True)
class WatchProcess:
    """Call `State.process_gone` once when this process has ended (at once if it already has)."""

    pid: int


@dataclass(frozen=True, slots=True)
class KillProcess:
    """End a process that must not write any more; it is being watched."""

    pid: int


@dataclass(frozen=True, slots=True)
class AskToEnd:
    """Ask a writer to stop (SIGTERM), because the dispatcher stops."""

    pid: int


@dataclass(frozen=True, slots=True)
class Close:
    """Close a connection after what was sent to it."""

    conn: int


@dataclass(frozen=True, slots=True)
class DatabaseLog:
    """A line of database.log; `pid` is its author's, 0 for the dispatcher itself."""

    text: str
    pid: int = 0


@dataclass(frozen=True, slots=True)
class TransactionsLog:
    """A line of transactions.log, written on behalf of process `pid`. Bytes are a query text still to be escaped."""

    pid: int
    text: str
    query_text: bytes = b""


@dataclass(frozen=True, slots=True)
class StopListening:
    """Accept no more connections."""


@dataclass(frozen=True, slots=True)
class Stop:
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
