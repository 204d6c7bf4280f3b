"""What the state machine knows of one client."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf

from osm3s.dispatch.admission import Claim

REFUSAL_TEXTS = {
    "terminating": "the dispatcher is about to stop",
    "rate_limited": "too many queries from this address",
    "timeout": "the server is probably too busy to handle this request",
    "duplicate_query": "the same query is already running",
    "purged": "the dispatcher has purged this session",
}


class Role(Enum):
    IDLE = "idle"
    WAITING_TO_READ = "waiting to read"
    OPENING = "opening"
    READING = "reading"
    WAITING_TO_WRITE = "waiting to write"
    WRITER = "writer"


@dataclass(slots=True)
class Connection:
    number: int
    pid: int
    heard_s: float
    """When the client last gave a sign of life."""
    role: Role = Role.IDLE
    claim: Claim | None = None
    """Of the query, from its request to its end."""
    since_s: float = 0.0
    """When a query asked to be admitted; from its grant on: when it was granted."""
    ask_again_s: float = inf
    snapshot: int = 0
    """Txn id of what is read; until the reader has told: the version current at its grant, which cannot be newer."""

    @property
    def holds(self) -> bool:
        """Whether it holds something that must not be held in silence for long."""
        return self.role in (Role.OPENING, Role.READING, Role.WRITER)

    def becomes_idle(self) -> None:
        self.role, self.claim, self.ask_again_s = Role.IDLE, None, inf
