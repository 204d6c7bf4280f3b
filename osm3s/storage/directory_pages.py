"""The block directory as a writer sees it: pages that take changed and new entries."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Protocol

from osm3s.ffi import check, ffi, lib
from osm3s.storage import index_keys
from osm3s.storage.directory import ENTRIES_PER_PAGE, ENTRY_BYTES, DirectoryEntry

MOST_ENTRIES = ENTRIES_PER_PAGE * 3 // 2
"""A page that grows larger is cut."""


class IndexWriter(Protocol):
    def put(self, key: bytes, value: bytes) -> None: ...

    def delete(self, key: bytes) -> None: ...


class DirectoryPages:
    """Blocks have the numbers that a snapshot of the same version gives them."""

    def __init__(self, txn: Any, snapshot: Any) -> None:
        """Read all pages of `txn` and hand them to the native `snapshot`, too."""
        self._pages: list[tuple[int, bytes]] = []
        """(family, entries)"""
        self._starts: list[int] = []
        self._changed: dict[int, dict[int, list[bytes]]] = {}
        """Page number -> position in it -> what is there now: the entry and those that follow it newly."""
        self._fresh: dict[int, list[DirectoryEntry]] = {}
        """Entries of families that had none."""
        n = 0
        cursor = txn.cursor()
        for family in range(4):
            prefix = index_keys.directory_prefix(family)
            more = cursor.set_range(prefix)
            while more and bytes(cursor.key()[: len(prefix)]) == prefix:
                page = bytes(cursor.value())
                check(lib.osm3s_snapshot_add_directory(snapshot, family, ffi.from_buffer(page), len(page), False))
                self._pages.append((family, page))
                self._starts.append(n)
                n += len(page) // ENTRY_BYTES
                more = cursor.next()

    def __getitem__(self, block: int) -> DirectoryEntry:
        """The entry as it was before all changes."""
        page, at = self._find(block)
        return DirectoryEntry.unpack(self._pages[page][1], at * ENTRY_BYTES)

    def _find(self, block: int) -> tuple[int, int]:
        page = bisect_right(self._starts, block) - 1
        return page, block - self._starts[page]

    def replace(self, block: int, entry: DirectoryEntry) -> None:
        page, at = self._find(block)
        self._changed.setdefault(page, {})[at] = [entry.pack()]

    def insert_behind(self, block: int, entry: DirectoryEntry) -> None:
        """Add an entry behind those that were added behind this replaced block before."""
        page, at = self._find(block)
        self._changed[page][at].append(entry.pack())

    def add(self, family: int, entry: DirectoryEntry) -> None:
        """Add an entry to a family that had none, in the order of the keys."""
        self._fresh.setdefault(family, []).append(entry)

    def write(self, index: IndexWriter) -> None:
        """Put the changed pages."""
        for number, changes in self._changed.items():
            family, page = self._pages[number]
            entries: list[bytes] = []
            for at in range(len(page) // ENTRY_BYTES):
                entries += changes.get(at) or (page[at * ENTRY_BYTES : (at + 1) * ENTRY_BYTES],)
            if entries[0] != page[:ENTRY_BYTES]:
                index.delete(_page_key(family, page[:ENTRY_BYTES]))  # the first block of a family may get a smaller key
            self._put(index, family, entries)
        for family, fresh in self._fresh.items():
            self._put(index, family, [entry.pack() for entry in fresh])

    def _put(self, index: IndexWriter, family: int, entries: list[bytes]) -> None:
        size = len(entries) if len(entries) <= MOST_ENTRIES else ENTRIES_PER_PAGE
        for start in range(0, len(entries), size):
            index.put(_page_key(family, entries[start]), b"".join(entries[start : start + size]))


def _page_key(family: int, first_entry: bytes) -> bytes:
    first = DirectoryEntry.unpack(first_entry)
    return index_keys.directory_page(family, first.order_key, first.id)
