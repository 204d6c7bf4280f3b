"""The block directory by itself: order, numbers; and whether every byte of a file belongs to one thing at most."""

from __future__ import annotations

from collections.abc import Iterator

import msgpack

from osm3s.paths import DatabaseDir
from osm3s.storage import index_keys
from osm3s.storage.attic import PART_BYTES, unpack_parts
from osm3s.storage.completeness import truncated_files
from osm3s.storage.directory import ENTRY_BYTES, DirectoryEntry, unpack_page
from osm3s.storage.free_extents import FREE_KEY, LATEST_KEY, UNIT_BYTES, rounded
from osm3s.storage.settings import DatabaseSettings
from osm3s.storage.snapshot import FAMILIES, Snapshot

DELTAS, ATTIC = 4, 5
FAMILY_NAMES = ("nodes", "tagged_nodes", "ways", "relations")

Extent = tuple[int, int, str]
"""Offset, length, what it is."""


def check_directory(snapshot: Snapshot, db: DatabaseDir) -> Iterator[str]:
    """Problems of the block directory and of the free extents, one line each."""
    settings = snapshot.settings
    extents: list[list[Extent]] = [[] for _ in db.block_files]
    seen: list[set[int]] = [set(), set(), set()]
    for family in FAMILIES:
        name = f"directory, {FAMILY_NAMES[family]}"
        previous: DirectoryEntry | None = None
        for key, page in snapshot.entries(index_keys.directory_prefix(family)):
            if len(page) == 0 or len(page) % ENTRY_BYTES:
                yield f"{name}: a page of {len(page)} bytes"
                continue
            entries = unpack_page(page)
            if key != index_keys.directory_page(family, entries[0].order_key, entries[0].id):
                yield f"{name}: the page that begins with block {entries[0].id} has another key"
            for entry in entries:
                yield from _entry_problems(name, entry, previous, settings, max(0, family - 1), seen)
                extents[family].append((entry.base_offset, entry.base_bytes, f"block {entry.id}"))
                if entry.delta_bytes:
                    of_what = f"delta of block {entry.id} of {FAMILY_NAMES[family]}"
                    extents[DELTAS].append((entry.delta_offset, entry.delta_bytes, of_what))
                if entry.n_attic:
                    extents[ATTIC] += _attic_extents(snapshot, max(0, family - 1), entry)
                previous = entry
    yield from truncated_files(settings, db)
    for file, name in enumerate(db.block_files):
        try:
            extents[file] += _free_extents(snapshot, file)
        except (ValueError, IndexError, TypeError) as error:
            yield f"free extents of {name}: damaged: {error}"
        yield from _extent_problems(name, extents[file], settings.file_len[file])


def _entry_problems(
    name: str,
    entry: DirectoryEntry,
    previous: DirectoryEntry | None,
    settings: DatabaseSettings,
    element_type: int,
    seen: list[set[int]],
) -> Iterator[str]:
    if previous is not None and entry.order_key < previous.order_key:
        yield f"{name}: block {entry.id} stands behind block {previous.id}, but its key is smaller"
    if entry.id in seen[element_type]:
        yield f"{name}: block {entry.id} is there twice"
    seen[element_type].add(entry.id)
    if entry.id >= settings.next_block_id[element_type]:
        yield f"{name}: block {entry.id} has a number that was never given out"
    if entry.n > 65535 or entry.n_dead > entry.n:
        yield f"{name}: block {entry.id} says {entry.n} elements, {entry.n_dead} of them dead"
    if not entry.delta_head_len and (entry.n_dead or entry.n_delta or entry.delta_body_len or entry.delta_meta_len):
        yield f"{name}: block {entry.id} has the numbers of a delta, but no delta"


def _attic_extents(snapshot: Snapshot, element_type: int, entry: DirectoryEntry) -> Iterator[Extent]:
    key = index_keys.attic(element_type, entry.id)
    for name, stored in snapshot.entries(key):
        if name == key and len(stored) % PART_BYTES == 0:
            for part in unpack_parts(stored):
                yield part.offset, part.len, f"attic of block {entry.id}"


def _free_extents(snapshot: Snapshot, file: int) -> list[Extent]:
    free: list[Extent] = []
    for key, fields in ((FREE_KEY, 3), (LATEST_KEY, 2)):
        packed = next((value for name, value in snapshot.entries(key) if name == key), None)
        lists: list[list[int]] = msgpack.unpackb(packed) if packed is not None else []
        numbers = lists[file] if file < len(lists) else []
        free += [(numbers[at], numbers[at + 1], "free space") for at in range(0, len(numbers), fields)]
    return free


def _extent_problems(name: str, extents: list[Extent], file_len: int) -> Iterator[str]:
    reached, before = 0, ""
    for offset, length, what in sorted(extents):
        if offset % UNIT_BYTES:
            yield f"{name}: {what} at offset {offset} is not at a multiple of {UNIT_BYTES}"
        if offset < reached:
            yield f"{name}: {what} at offset {offset} overlaps {before}"
        if offset + length > rounded(file_len):
            yield f"{name}: {what} at offset {offset} ends at {offset + length}, behind the part in use ({file_len})"
        if offset + rounded(length) > reached:
            reached, before = offset + rounded(length), what
