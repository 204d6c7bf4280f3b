"""Reading the tag directory: which blocks hold a key or a tag, and how many of their elements have it.

The blocks of an entry are a superset of those that hold it. Counts are exact for blocks without a delta.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from osm3s.ffi import check, ffi, lib
from osm3s.storage import index_keys


class TagBlocks(NamedTuple):
    """Permanent block ids, ascending, and how many elements of each block have the key or tag."""

    block_ids: Any
    counts: Any
    n: int


class TagDirectory:
    def __init__(self, txn: Any) -> None:
        self._txn = txn

    def key_blocks(self, family: int, key: bytes) -> TagBlocks | None:
        """Blocks with elements that have the key; None if there are none."""
        return self._find(family, index_keys.whole_key(key))

    def tag_blocks(self, family: int, key: bytes, value: bytes) -> TagBlocks | None:
        """Blocks with elements that have the tag; None if there are none."""
        return self._find(family, index_keys.one_tag(key, value))

    def matching_blocks(self, family: int, key: bytes, regex: Any, n_blocks: int) -> TagBlocks | None:
        """Blocks with elements that have the key with a value that matches an `osm3s_regex *`. Counts are not known.

        `n_blocks` is more than any permanent block id of the family's element type.
        """
        marks = ffi.new("uint8_t[]", n_blocks)
        family_prefix, entry_prefix = index_keys.tag_prefix(family), index_keys.one_tag(key, b"")
        cursor = self._txn.cursor()
        more = cursor.set_range(index_keys.tag_search(family, entry_prefix))
        while more and bytes(cursor.key()[:2]) == family_prefix:
            page = cursor.value()
            if not check(
                lib.osm3s_tag_page_mark_matching(
                    ffi.from_buffer(page), len(page), entry_prefix, len(entry_prefix), regex, marks, n_blocks
                )
            ):
                break
            more = cursor.next()
        block_ids = [i for i, mark in enumerate(bytes(ffi.buffer(marks))) if mark]
        return TagBlocks(ffi.new("uint32_t[]", block_ids), None, len(block_ids)) if block_ids else None

    def _find(self, family: int, wanted: bytes) -> TagBlocks | None:
        cursor = self._txn.cursor()
        prefix, value = index_keys.tag_prefix(family), ffi.new("osm3s_bytes *")
        more = cursor.set_range(index_keys.tag_search(family, wanted))
        while more and bytes(cursor.key()[:2]) == prefix:
            page = cursor.value()
            found = check(lib.osm3s_tag_page_find(ffi.from_buffer(page), len(page), wanted, len(wanted), value))
            if found == 1:
                return decode(ffi.buffer(value.data, value.len))
            if found == 0:
                return None
            more = cursor.next()
        return None


def decode(value: Any) -> TagBlocks:
    """The block list of an entry."""
    length = len(value)
    n, total = ffi.new("size_t *"), ffi.new("uint64_t *")
    room = length // 2 + 1
    block_ids, counts = ffi.new("uint32_t[]", room), ffi.new("uint32_t[]", room)
    check(lib.osm3s_tag_blocks(ffi.from_buffer(value), length, total, block_ids, counts, room, n))
    return TagBlocks(block_ids, counts, n[0])
