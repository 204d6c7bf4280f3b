"""Writes the blocks that an update has changed: deltas, whole blocks, and what goes to their attics."""

from __future__ import annotations

from typing import Any

from osm3s.ffi import check, ffi, lib
from osm3s.storage import index_keys
from osm3s.storage.attic import AtticPart, first_to_merge, stored_frame, unpack_parts
from osm3s.storage.block_files import checksum, compress_meta, decompress_meta
from osm3s.storage.directory import DirectoryEntry, dead_list_bytes
from osm3s.storage.snapshot import EVER
from osm3s.storage.write_transaction import WriteTransaction

DELTAS, ATTIC = 4, 5
UNRESOLVED = 0xFFFFFFFF
SMALL_DELTA_BYTES = 2048
LARGE_DELTA_PART = 5
"""A delta up to this size is never too large; else this part of its base is. As in native/update_blocks.c."""
COMPRESSED_TO = 3
"""Records of superseded versions become smaller by at least this factor."""


class ChangedBlocks:
    """The blocks of one `osm3s_update` that has been planned."""

    def __init__(self, txn: WriteTransaction, native: Any) -> None:
        self._txn = txn
        self._native = native
        self._with_meta = txn.settings.level != "data"
        self._with_history = txn.settings.level == "attic"
        self._last_base = UNRESOLVED
        """The block whose base was written last: new blocks of the same family follow it."""
        self._frames: list[bytes] = []
        """Parts of the attic of the block in work."""
        self.n_large_deltas = 0
        """How many of the deltas written are so large that their block should be made anew."""

    def write(self) -> None:
        group, block = ffi.new("osm3s_block_group *"), ffi.new("osm3s_built_block *")
        while check(lib.osm3s_update_next_group(self._native, group)):
            kept, gone = self._merge_attic(group) if self._with_history else ([], [])
            for part in gone:
                self._txn.free_extent(ATTIC, part.offset, part.len)
            while check(lib.osm3s_update_next_block(self._native, block)):
                entry = self._base(block) if block.is_base else self._delta(block)
                if self._with_history:
                    entry = self._write_attic(entry, max(0, block.family - 1), kept)
                    kept = []
                if block.is_base:
                    self._put_base(block, entry)
                else:
                    self._put_delta(block, entry)

    # --- attics -----------------------------------------------------------------------------------------------------

    def _merge_attic(self, group: Any) -> tuple[list[AtticPart], list[AtticPart]]:
        """Attach the parts of a block's attic that are to be made anew; the parts that stay, and those."""
        txn, parts = self._txn, list[AtticPart]()
        self._frames.clear()
        if group.block != UNRESOLVED:
            stored = txn.get(index_keys.attic(max(0, group.family - 1), group.id))
            if stored is not None:
                parts = unpack_parts(stored)
                check(lib.osm3s_snapshot_place_attic(txn.snapshot, group.block, ffi.from_buffer(stored), len(stored)))
        if not group.is_cut and group.n_superseded == 0:
            return parts, []
        first = 0 if group.is_cut else first_to_merge(parts, group.superseded_len // COMPRESSED_TO)
        if parts:
            self._attach(group.block, first)
        check(lib.osm3s_update_merge_attic(self._native, first))
        return parts[:first], parts[first:]

    def _attach(self, block: int, first: int) -> None:
        """Make a block's parts from the first one on readable, with their metadata."""
        native, blocks = self._txn.snapshot, ffi.new("uint32_t *", block)
        at, part = ffi.new("size_t *"), ffi.new("uint32_t *", first)
        frame, length = ffi.new("uint8_t **"), ffi.new("uint32_t *")
        while check(lib.osm3s_snapshot_next_attic(native, blocks, 1, *EVER, at, part, frame, length)):
            data = decompress_meta(ffi.buffer(frame[0], length[0]))
            self._frames.append(data)
            check(lib.osm3s_snapshot_attach_attic(native, block, part[0], ffi.from_buffer(data), len(data)))
        part[0] = first
        while check(lib.osm3s_snapshot_attic_meta_frame(native, block, part, frame, length)):
            data = decompress_meta(ffi.buffer(frame[0], length[0]))
            self._frames.append(data)
            check(lib.osm3s_snapshot_attach_attic_meta(native, block, part[0], ffi.from_buffer(data), len(data)))

    def _write_attic(self, entry: DirectoryEntry, element_type: int, parts: list[AtticPart]) -> DirectoryEntry:
        """Write the new parts of the attic of a block behind those that stay; what the directory then says of it."""
        txn, block, key = self._txn, ffi.new("osm3s_block *"), index_keys.attic(element_type, entry.id)
        parts = list(parts)
        newest, box = entry.newest, ffi.new("osm3s_bbox *", (entry.south, entry.west, entry.north, entry.east))
        while check(lib.osm3s_update_next_attic(self._native, block)):
            raw = bytes(ffi.buffer(block.block, block.head_len + block.body_len))
            frame, is_plain = stored_frame(raw, bytes(ffi.buffer(block.meta, block.meta_len)))
            place = txn.write_extent(ATTIC, frame), checksum(frame), len(frame)
            lengths = block.head_len, block.body_len, block.meta_len
            parts.append(AtticPart(*place, block.n, *lengths, block.oldest, block.newest, is_plain))
            newest = max(newest, block.newest)
            _join(box, block.bbox)
        if parts:
            txn.put(key, b"".join(part.pack() for part in parts))
        elif txn.get(key) is not None:
            txn.delete(key)
        n_attic = sum(part.n for part in parts)
        return entry._replace(
            n_attic=n_attic, newest=newest, south=box.south, west=box.west, north=box.north, east=box.east
        )

    # --- blocks -----------------------------------------------------------------------------------------------------

    def _delta(self, block: Any) -> DirectoryEntry:
        txn, parts = self._txn, block.parts
        old = txn.directory[block.block]
        txn.free_extent(DELTAS, old.delta_offset, old.delta_bytes)
        if parts.n == 0 and block.n_dead == 0:
            entry = old._replace(delta_offset=0, delta_sum=0, delta_meta_sum=0, delta_head_len=0, delta_body_len=0)
            return entry._replace(delta_meta_len=0, n_dead=0, n_delta=0)
        dead = bytes(ffi.buffer(block.dead, block.n_dead * 2)) if block.n_dead else b""
        frame = dead + bytes(dead_list_bytes(block.n_dead) - len(dead))
        frame += ffi.buffer(parts.block, parts.head_len + parts.body_len)
        meta = self._meta_frame(parts)
        return old._replace(
            delta_offset=txn.write_extent(DELTAS, frame, meta),
            delta_sum=checksum(frame),
            delta_meta_sum=checksum(meta),
            n_dead=block.n_dead,
            delta_head_len=parts.head_len,
            delta_body_len=parts.body_len,
            delta_meta_len=len(meta),
            n_delta=parts.n,
            newest=block.newest,
            south=block.bbox.south,
            west=block.bbox.west,
            north=block.bbox.north,
            east=block.bbox.east,
        )

    def _put_delta(self, block: Any, entry: DirectoryEntry) -> None:
        self.n_large_deltas += entry.delta_bytes > max(SMALL_DELTA_BYTES, entry.base_bytes // LARGE_DELTA_PART)
        self._txn.directory.replace(block.block, entry)

    def _base(self, block: Any) -> DirectoryEntry:
        txn, parts = self._txn, block.parts
        n_attic = 0
        if block.block != UNRESOLVED:
            old = txn.directory[block.block]
            txn.free_extent(block.family, old.base_offset, old.base_bytes)
            txn.free_extent(DELTAS, old.delta_offset, old.delta_bytes)
            n_attic = old.n_attic
        head = bytes(ffi.buffer(parts.block, parts.head_len))
        body = bytes(ffi.buffer(parts.block + parts.head_len, parts.body_len))
        meta = self._meta_frame(parts)
        return DirectoryEntry(
            order_key=block.order_key,
            id=block.id,
            n=parts.n,
            base_offset=txn.write_extent(block.family, head, body, meta),
            head_sum=checksum(head),
            body_sum=checksum(body),
            meta_sum=checksum(meta),
            head_len=parts.head_len,
            body_len=parts.body_len,
            meta_len=len(meta),
            newest=block.newest,
            n_attic=n_attic,
            south=block.bbox.south,
            west=block.bbox.west,
            north=block.bbox.north,
            east=block.bbox.east,
        )

    def _put_base(self, block: Any, entry: DirectoryEntry) -> None:
        txn = self._txn
        if block.block != UNRESOLVED:
            txn.directory.replace(block.block, entry)
            self._last_base = block.block
        elif lib.osm3s_snapshot_n_blocks(txn.snapshot, block.family):
            txn.directory.insert_behind(self._last_base, entry)
        else:
            txn.directory.add(block.family, entry)

    def _meta_frame(self, parts: Any) -> bytes:
        if not (self._with_meta and parts.meta_len):
            return b""
        return compress_meta(ffi.buffer(parts.meta, parts.meta_len))


def _join(box: Any, more: Any) -> None:
    """Make a box large enough for another one, too."""
    if more.south > more.north:
        return
    empty = box.south > box.north
    box.south = more.south if empty else min(box.south, more.south)
    box.west = more.west if empty else min(box.west, more.west)
    box.north = more.north if empty else max(box.north, more.north)
    box.east = more.east if empty else max(box.east, more.east)
