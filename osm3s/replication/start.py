"""Where in a feed a database begins: by its number, or by its timestamp. Never behind a gap."""

from __future__ import annotations

from typing import Protocol

from osm3s.errors import UsageError
from osm3s.replication.errors import Absent
from osm3s.replication.feed import Feed
from osm3s.replication.state import State, seconds_of
from osm3s.replication.target import Position


class KnownFeed(Feed, Protocol):
    @property
    def url(self) -> str | None: ...


def same_feed(one: str, other: str) -> bool:
    """Whether two URLs name one feed: http and https are the same, and a slash at the end means nothing."""
    return _plain(one) == _plain(other)


def _plain(url: str) -> str:
    return url.removeprefix("http://").removeprefix("https://").rstrip("/")


def start_sequence(feed: KnownFeed, position: Position, asked: int | None) -> int:
    """Number of the last diff that is in the data already.

    `asked` is what a person says it is; it counts only where the database does not know.
    Raises UsageError if there would be a gap or nothing tells; FeedError.
    """
    known, data_s = position.sequence, seconds_of(position.timestamp)
    if known is not None and (asked == known or _may_be_of(feed, known, position, asked)):
        if asked is None or asked <= known:
            return known
        if data_s is not None and _not_later(_state_or_none(feed, asked), data_s):
            return asked  # so what is known is a number of another feed
        raise UsageError(
            f"the database contains the diffs up to {known}: starting at {asked} would leave a gap, "
            "and its data would be wrong from then on"
        )
    if asked is not None:
        return _checked(feed, asked, position)
    if data_s is None:
        raise UsageError(
            "neither a diff's number nor a timestamp says how old the data is: "
            "say which diff is the last that it contains, with --start=N"
        )
    return sequence_at(feed, data_s, position.timestamp)


def _may_be_of(feed: KnownFeed, known: int, position: Position, asked: int | None) -> bool:
    """Whether the number of the last diff in the data can be one of this feed."""
    if feed.url and position.replication_url:
        return same_feed(feed.url, position.replication_url)
    state = _state_or_none(feed, known)
    if state is not None:
        return seconds_of(state.timestamp) == seconds_of(position.timestamp)
    try:
        return asked is None or feed.newest().sequence >= known
    except Absent:
        return True  # an archive that is still empty


def _checked(feed: Feed, sequence: int, position: Position) -> int:
    """A number that may be of another feed: the data must not be older than the feed says it is after this diff."""
    try:
        state = feed.state(sequence)
    except Absent:
        newest = feed.newest()
        if sequence > newest.sequence:
            raise UsageError(f"there is no diff {sequence} in this feed: its newest is {newest.sequence}") from None
        return sequence  # it was removed long ago, or the feed begins behind it
    data_s = seconds_of(position.timestamp)
    if data_s is not None and (seconds_of(state.timestamp) or 0) > data_s:
        raise UsageError(
            f"the data is of {position.timestamp}, but this feed's number {sequence} of {state.timestamp}: "
            "there would be a gap"
        )
    return sequence


def sequence_at(feed: Feed, data_s: float, data_timestamp: str) -> int:
    """The last diff whose state is not later than the data. Raises UsageError if the feed begins later; FeedError."""
    newest = feed.newest()
    if _not_later(newest, data_s):
        return newest.sequence
    later, step = newest.sequence, 1
    earlier, found = later, None
    while earlier == later:  # how far back must one look?
        if later == 0:
            return -1  # nothing comes before the very first diff
        at = max(0, newest.sequence - step)
        found = _state_or_none(feed, at)
        if found is None or _not_later(found, data_s):
            earlier = at
        else:
            earlier = later = at
        step *= 2
    while later - earlier > 1:
        middle = (earlier + later) // 2
        state = _state_or_none(feed, middle)
        if state is None or _not_later(state, data_s):
            earlier, found = middle, state
        else:
            later = middle
    if found is None and later > 1:
        raise UsageError(
            f"the data is of {data_timestamp}, but the feed begins with number {later}, which comes later: "
            "import a newer extract"
        )
    return earlier


def _state_or_none(feed: Feed, sequence: int) -> State | None:
    try:
        return feed.state(sequence)
    except Absent:
        return None


def _not_later(state: State | None, data_s: float) -> bool:
    return state is not None and (seconds_of(state.timestamp) or 0) <= data_s
