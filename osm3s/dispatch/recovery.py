"""What the dispatcher needs from whoever knows the files: an interrupted commit made whole or undone."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from osm3s.dispatch.version import Version


class Outcome(NamedTuple):
    """`action` is "clean" (nothing to do), "rolled_back" (an incomplete change was discarded) or "rolled_forward"
    (a complete one was merged). `version` is what the index holds now; None if it cannot be told."""

    action: str
    version: Version | None = None


class Recovery(Protocol):
    """Called in a thread of its own, never twice at a time, and only when no process can still be writing."""

    def roll_back_or_forward(self) -> Outcome:
        """Raises an exception if the database cannot be brought into a consistent state."""
