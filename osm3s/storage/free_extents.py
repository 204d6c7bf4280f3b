"""Which parts of the block files are free, and from when on.

An extent that a commit replaced stays until no reader is left that may see it: it carries the number of the LMDB
transaction that made it free, and is used again once all readers have a snapshot of that transaction or a later one.
What a commit itself has freed is stored apart, because its transaction's number is not known before it happens.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Any

import msgpack

from osm3s.storage import index_keys

FREE_KEY = index_keys.setting("free_extents")
"""Per file: offset, length, transaction, offset, length, transaction ..."""
LATEST_KEY = index_keys.setting("freed_by_last_commit")
"""Per file: offset, length, offset, length ..."""
LAST_MERGE_KEY = index_keys.setting("last_merge")
"""Number of the LMDB transaction that made the last commit; written by the merge itself."""

UNIT_BYTES = 64
FILES = range(6)
SMALL_BYTES = 16384
"""Extents up to this size are written side by side, so that a commit of many small ones writes few pages."""
RUN_BYTES = 65536
"""Free space from this size on is used for them from its beginning to its end."""
LARGE_FREE_PART = 4
"""Smaller holes are filled by them only when this part of the file is free."""


def rounded(length: int) -> int:
    """Extents begin at multiples of 64 bytes, so what lies behind one up to the next multiple belongs to it."""
    return (length + UNIT_BYTES - 1) // UNIT_BYTES * UNIT_BYTES


class FreeExtents:
    """The free space of all block files as one writer sees and changes it."""

    def __init__(self, packed: Any, latest: Any, last_merge: int, oldest_reader: int | None) -> None:
        """`packed` and `latest` are the stored values or None. `oldest_reader` None: nobody reads."""
        self._waiting: list[list[tuple[int, int, int]]] = [[] for _ in FILES]
        self._usable: list[list[tuple[int, int]]] = [[] for _ in FILES]
        """(length, offset), sorted: the first that is long enough fits best."""
        self._runs: list[tuple[int, int]] = [(0, 0)] * len(FILES)
        """(length, offset) of what small extents are being written into."""
        self._freed: list[list[int]] = [[] for _ in FILES]
        stored = msgpack.unpackb(packed) if packed else []
        newest = msgpack.unpackb(latest) if latest else []
        for lists in (stored, newest):
            lists += [[] for _ in range(len(FILES) - len(lists))]
        for file in FILES:
            numbers = iter(stored[file])
            extents = list(zip(numbers, numbers, numbers, strict=True))
            numbers = iter(newest[file])
            extents += [(offset, length, last_merge) for offset, length in zip(numbers, numbers, strict=True)]
            usable = []
            for extent in extents:
                if oldest_reader is None or oldest_reader >= extent[2]:
                    usable.append((extent[0], extent[1]))
                else:
                    self._waiting[file].append(extent)
            self._usable[file] = sorted((length, offset) for offset, length in _merged(usable))
        self._free_bytes = [sum(length for length, _ in usable) for usable in self._usable]

    def take(self, file: int, length: int, file_len: int = 0) -> int | None:
        """The offset of a free extent, which is free no more; None if it is to be appended to the file."""
        length = rounded(length)
        usable = self._usable[file]
        if length <= SMALL_BYTES:
            run = self._runs[file]
            if run[0] < length and usable and usable[-1][0] >= RUN_BYTES:
                if run[0]:
                    insort(usable, run)
                run = usable.pop()
            if run[0] >= length:
                self._runs[file] = run[0] - length, run[1] + length
                self._free_bytes[file] -= length
                return run[1]
            if self._free_bytes[file] * LARGE_FREE_PART < file_len:
                return None
        at = bisect_left(usable, (length, 0))
        if at == len(usable):
            return None
        found, offset = usable.pop(at)
        self._free_bytes[file] -= length
        if found > length:
            insort(usable, (found - length, offset + length))
        return offset

    def usable(self, file: int) -> list[tuple[int, int]]:
        """Length and offset of what may be overwritten."""
        run = self._runs[file]
        return [*self._usable[file], run] if run[0] else self._usable[file]

    def free(self, file: int, offset: int, length: int) -> None:
        """An extent that the database will not need after the commit."""
        if length:
            self._freed[file] += (offset, rounded(length))

    def pack(self) -> tuple[bytes, bytes]:
        """The values of FREE_KEY and LATEST_KEY after the commit."""
        stored: list[list[int]] = []
        for file in FILES:
            flat = [number for extent in self._waiting[file] for number in extent]
            for length, offset in self.usable(file):
                flat += (offset, length, 0)
            stored.append(flat)
        return msgpack.packb(stored), msgpack.packb(self._freed)


def _merged(extents: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbours joined; (offset, length)."""
    joined: list[tuple[int, int]] = []
    for offset, length in sorted(extents):
        if joined and joined[-1][0] + joined[-1][1] == offset:
            joined[-1] = (joined[-1][0], joined[-1][1] + length)
        else:
            joined.append((offset, length))
    return joined
