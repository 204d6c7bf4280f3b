"""Entries of the block directory: what is known of a block without reading it. Layout: `osm3s_dir_entry`."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

ENTRIES_PER_PAGE = 56

_ENTRY = Struct("<QII QQQQ IIII QQQ IIII II iiii")
ENTRY_BYTES = _ENTRY.size


class DirectoryEntry(NamedTuple):
    """Offsets are bytes in the family's file (base) and in deltas.bin (delta); sums are checksums of frames."""

    order_key: int
    id: int
    n: int
    base_offset: int
    head_sum: int
    body_sum: int
    meta_sum: int
    head_len: int
    body_len: int
    meta_len: int
    newest: int
    delta_offset: int = 0
    delta_sum: int = 0
    delta_meta_sum: int = 0
    n_dead: int = 0
    delta_head_len: int = 0
    delta_body_len: int = 0
    delta_meta_len: int = 0
    n_delta: int = 0
    n_attic: int = 0
    south: int = 1
    west: int = 0
    north: int = 0
    east: int = 0

    def pack(self) -> bytes:
        return _ENTRY.pack(*self)

    @classmethod
    def unpack(cls, page: bytes | memoryview, offset: int = 0) -> DirectoryEntry:
        return cls._make(_ENTRY.unpack_from(page, offset))

    @property
    def base_bytes(self) -> int:
        return self.head_len + self.body_len + self.meta_len

    @property
    def delta_bytes(self) -> int:
        """Bytes of the delta's extent, dead list included."""
        if not self.delta_head_len:
            return 0
        return dead_list_bytes(self.n_dead) + self.delta_head_len + self.delta_body_len + self.delta_meta_len


def dead_list_bytes(n_dead: int) -> int:
    return (n_dead * 2 + 7) // 8 * 8


def unpack_page(page: bytes | memoryview) -> list[DirectoryEntry]:
    return [DirectoryEntry._make(entry) for entry in _ENTRY.iter_unpack(page)]
