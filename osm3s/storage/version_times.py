"""When the versions began that commits have added: what changed in a time is looked up in few changelogs.

Under the key `V` commit(8) lie three u32, seconds since 1970: when the first and when the last of the commit's versions
began, and a time after which no version of earlier commits did. A commit without new versions has no entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Any, NamedTuple

from osm3s.storage import index_keys

_TIMES = Struct("<III")
_LAST_KEY = index_keys.VERSION_TIMES + b"\xff" * 9


class VersionTimes(NamedTuple):
    first: int
    last: int
    before: int

    def pack(self) -> bytes:
        return _TIMES.pack(*self)

    @classmethod
    def unpack(cls, data: Any) -> VersionTimes:
        """Raises struct.error."""
        return cls(*_TIMES.unpack(data))


def newest_before(txn: Any) -> int | None:
    """No version in the database began later; None: no commit has said so yet."""
    cursor = txn.cursor()
    if not _to_last(cursor) or bytes(cursor.key()[:1]) != index_keys.VERSION_TIMES:
        return None
    times = VersionTimes.unpack(cursor.value())
    return max(times.last, times.before)


def commits_between(txn: Any, since: int, until: int) -> Iterator[int] | None:
    """The commits, in order, that may have added versions that began after the one and up to the other time; None:
    versions that began then may have come otherwise, with the import."""
    cursor = txn.cursor()
    start = _first_that_counts(cursor, since)
    return None if start is None else _between(cursor, start, since, until)


def _first_that_counts(cursor: Any, since: int) -> int | None:
    """Number of a commit before which nothing began after `since`: the last one, as `before` only grows."""
    if not cursor.set_range(index_keys.VERSION_TIMES) or bytes(cursor.key()[:1]) != index_keys.VERSION_TIMES:
        return None
    low = _commit(cursor)
    if VersionTimes.unpack(cursor.value()).before > since:
        return None
    high = _commit(cursor) if _to_last(cursor) else low
    while low < high:
        middle = (low + high + 1) // 2
        cursor.set_range(index_keys.version_times(middle))  # not all numbers are there; the last one is
        if VersionTimes.unpack(cursor.value()).before <= since:
            low = _commit(cursor)
        else:
            high = middle - 1
    return low


def _to_last(cursor: Any) -> bool:
    """Whether there is an entry before the end of these, of whatever kind."""
    found: bool = cursor.prev() if cursor.set_range(_LAST_KEY) else cursor.last()
    return found


def _between(cursor: Any, start: int, since: int, until: int) -> Iterator[int]:
    more = cursor.set_range(index_keys.version_times(start))
    while more and bytes(cursor.key()[:1]) == index_keys.VERSION_TIMES:
        times = VersionTimes.unpack(cursor.value())
        if times.first <= until and times.last > since:
            yield _commit(cursor)
        more = cursor.next()


def _commit(cursor: Any) -> int:
    return int.from_bytes(cursor.key()[1:], "big")
