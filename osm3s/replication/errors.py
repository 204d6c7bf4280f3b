"""What can be wrong with a feed. None of it is the end of a program that follows one: it waits and tries again."""

from __future__ import annotations

from osm3s.errors import Osm3sError


class FeedError(Osm3sError):
    """The feed cannot be reached, or what it delivers is no good; nothing was changed."""

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """How long the server asks to be left alone."""


class Absent(FeedError):
    """The feed does not have this file (yet)."""


class Damaged(FeedError):
    """A file is truncated, malformed or not what its name says."""


class OutOfSequence(FeedError):
    """Applying this diff now would leave a gap, or bring old data back."""


class Moved(OutOfSequence):
    """The database does not stand any more where it did when the diffs were fetched."""
