"""Everything that is in one block, as Python values: for tools and tests, not for queries."""

from __future__ import annotations

from collections.abc import Iterator
from struct import iter_unpack, unpack_from
from typing import Any, NamedTuple

from osm3s.errors import StorageError
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.batch import Batch, Element
from osm3s.ffi.element_set import ElementSet
from osm3s.storage import index_keys
from osm3s.storage.attic import AtticPart, unpack_parts
from osm3s.storage.directory import ENTRY_BYTES, DirectoryEntry
from osm3s.storage.snapshot import Snapshot

FAMILY_NAMES = ("nodes", "tagged_nodes", "ways", "relations")
TYPE_NAMES = ("node", "way", "relation")
COLUMN_NAMES = (
    "id",
    "lat",
    "lon",
    "south",
    "west",
    "north",
    "east",
    "quad",
    "key_start",
    "key_pair",
    "value_start",
    "posting_start",
    "posting",
    "tag_start",
    "tag",
    "role_start",
    "body_start",
    "since",
    "until",
)


class Placed(NamedTuple):
    """A live element; what is not known of its place is None."""

    element: Element
    box: tuple[int, int, int, int] | None
    """South, west, north, east in 1e-7 degree."""
    quad: int
    coordinates: tuple[tuple[int, int] | None, ...]
    """Of the nodes of a way."""


class Column(NamedTuple):
    name: str
    n: int
    base: int
    width: int
    """Bytes per entry."""


class Part(NamedTuple):
    """The base or the delta of a block."""

    n: int
    n_dead: int
    n_keys: int
    n_pairs: int
    n_roles: int
    columns: list[Column]


def family_of_block(snapshot: Snapshot, block: int) -> int:
    return next(f for f in (3, 2, 1, 0) if lib.osm3s_snapshot_first_block(snapshot.handle, f) <= block)


def find_block(snapshot: Snapshot, family: int, block_id: int) -> int:
    """The number in the snapshot of a permanent block id of a family. Raises StorageError."""
    block: int = lib.osm3s_snapshot_block_of_id(snapshot.handle, max(0, family - 1), block_id)
    if block == lib.OSM3S_UNRESOLVED or family_of_block(snapshot, block) != family:
        raise StorageError(f"there is no block {block_id} of {FAMILY_NAMES[family]}")
    return block


def block_of_element(snapshot: Snapshot, element_type: int, element_id: int) -> int:
    """The number in the snapshot of the block that holds an element. Raises StorageError."""
    found = ElementSet()
    found.put_ids(element_type, [element_id])
    rows = found.rows(element_type)
    snapshot.locate(rows, element_type)
    if rows.n == 0:
        raise StorageError(f"there is no {TYPE_NAMES[element_type]} {element_id} in the database")
    block: int = rows.rows[0].block
    return block


def directory_entry(snapshot: Snapshot, block: int) -> DirectoryEntry:
    return DirectoryEntry.unpack(ffi.buffer(lib.osm3s_snapshot_entry(snapshot.handle, block), ENTRY_BYTES))


def attic_parts(snapshot: Snapshot, block: int) -> list[AtticPart]:
    """Where the superseded versions of a block are; empty if it has none."""
    entry = directory_entry(snapshot, block)
    if not entry.n_attic:
        return []
    key = index_keys.attic(max(0, family_of_block(snapshot, block) - 1), entry.id)
    return [part for name, stored in snapshot.entries(key) if name == key for part in unpack_parts(stored)]


def read_part(snapshot: Snapshot, block: int, delta: bool) -> Part:
    part = ffi.new("osm3s_part *")
    check(lib.osm3s_inspect_part(snapshot.handle, block, delta, part))
    columns = [
        Column(name, c.n, c.base - (1 << 64) if c.base >> 63 else c.base, c.width)
        for name, c in zip(COLUMN_NAMES, part.columns, strict=True)
        if c.present
    ]
    return Part(part.n, part.n_dead, part.n_keys, part.n_pairs, part.n_roles, columns)


def read_pairs(snapshot: Snapshot, block: int, delta: bool) -> Iterator[tuple[str, str, int]]:
    """Key, value and number of elements, for all tags in the dictionary of a part."""
    key, value, n = ffi.new("osm3s_bytes *"), ffi.new("osm3s_bytes *"), ffi.new("uint64_t *")
    for pair in range(read_part(snapshot, block, delta).n_pairs):
        check(lib.osm3s_inspect_pair(snapshot.handle, block, delta, pair, key, value, n))
        yield _text(key), _text(value), n[0]


def read_elements(snapshot: Snapshot, block: int) -> Iterator[Placed]:
    """All live elements: those of the base, then those of the delta. Metadata is attached."""
    snapshot.attach_meta(ffi.new("uint32_t *", block), 1)
    batch, places = Batch(), ffi.new("osm3s_bytes *")
    check(lib.osm3s_dump_block(snapshot.handle, block, batch.c, places))
    try:
        data = bytes(ffi.buffer(places.data, places.len)) if places.len else b""
    finally:
        lib.osm3s_free(ffi.cast("void *", places.data))
    at = 0
    for element in batch.elements():
        south, west, north, east, quad, n = unpack_from("<4iII", data, at)
        at += 24
        pairs = tuple(
            None if lat == lib.OSM3S_NO_COORD else (lat, lon) for lat, lon in iter_unpack("<2i", data[at : at + 8 * n])
        )
        at += 8 * n
        placed = south <= north and south != lib.OSM3S_NO_COORD
        yield Placed(element, (south, west, north, east) if placed else None, quad, pairs)


def _text(text: Any) -> str:
    return bytes(ffi.buffer(text.data, text.len)).decode("utf-8", "replace")
