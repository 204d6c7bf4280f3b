"""A whole database as plain Python values, and the proof that its indexes say the same as its blocks."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from struct import iter_unpack, unpack_from
from typing import Any, NamedTuple

from osm3s.ffi import check, ffi, lib
from osm3s.ffi.batch import Batch, Element
from osm3s.paths import DatabaseDir
from osm3s.storage import index_keys
from osm3s.storage.block_files import decompress_meta
from osm3s.storage.directory import ENTRY_BYTES, DirectoryEntry
from osm3s.storage.free_extents import FREE_KEY, LATEST_KEY, FreeExtents, rounded
from osm3s.storage.index import open_for_reading, read_settings

UNRESOLVED = 0xFFFFFFFF


class Stored(NamedTuple):
    """An element as the database has it: tags sorted, where it is, and the inline coordinates of a way."""

    element: Element
    box: tuple[int, int, int, int] | None
    quad: int
    coordinates: tuple[tuple[int, int] | None, ...]
    user: str


class Block(NamedTuple):
    family: int
    number: int
    entry: DirectoryEntry
    elements: list[Stored]


class Database:
    """All of one snapshot, read at construction."""

    def __init__(self, root: Path | str, between: Callable[[], object] = lambda: None) -> None:
        """`between` is called after the index was read, before the blocks are."""
        self.db = DatabaseDir(str(root))
        env = open_for_reading(self.db)
        self.index = {}
        with env.begin() as txn:
            self.txn_id = txn.id()
            self.settings = read_settings(txn)
            self.index = {bytes(key): bytes(value) for key, value in txn.cursor()}
            between()
            self.blocks = self._read_blocks()  # the transaction keeps the extents from being used again
        env.close()

    def _entries(self) -> list[list[DirectoryEntry]]:
        families: list[list[DirectoryEntry]] = [[] for _ in range(4)]
        for key, page in sorted(self.index.items()):
            if key[:1] == index_keys.DIRECTORY:
                entries = [DirectoryEntry.unpack(page, at) for at in range(0, len(page), ENTRY_BYTES)]
                assert key == index_keys.directory_page(key[1], entries[0].order_key, entries[0].id)
                families[key[1]] += entries
        return families

    def _read_blocks(self) -> list[Block]:
        snapshot = ffi.gc(lib.osm3s_snapshot_new(), lib.osm3s_snapshot_free)
        for file in range(5):
            check(lib.osm3s_snapshot_map(snapshot, file, self.db.block_file(file).encode()))
        families = self._entries()
        for family, entries in enumerate(families):
            page = b"".join(entry.pack() for entry in entries)
            check(lib.osm3s_snapshot_add_directory(snapshot, family, page, len(page), False))
        check(lib.osm3s_snapshot_seal(snapshot))
        blocks, keep = [], []
        for family, entries in enumerate(families):
            for entry in entries:
                number = len(blocks)
                for delta in (0, 1):
                    length = ffi.new("uint32_t *")
                    frame = lib.osm3s_snapshot_meta_frame(snapshot, number, delta, length)
                    if frame != ffi.NULL:
                        keep.append(decompress_meta(ffi.buffer(frame, length[0])))
                        check(lib.osm3s_snapshot_attach_meta(snapshot, number, delta, keep[-1], len(keep[-1])))
                check(lib.osm3s_snapshot_check_block(snapshot, number))
                blocks.append(Block(family, number, entry, self._elements(snapshot, number)))
        return blocks

    def _elements(self, snapshot: Any, number: int) -> list[Stored]:
        batch, places = Batch(), ffi.new("osm3s_bytes *")
        check(lib.osm3s_dump_block(snapshot, number, batch.c, places))
        data = bytes(ffi.buffer(places.data, places.len)) if places.len else b""
        lib.osm3s_free(ffi.cast("void *", places.data))
        stored, at = [], 0
        for element in batch.elements():
            south, west, north, east, quad, n = unpack_from("<4iII", data, at)
            at += 24
            numbers = iter_unpack("<2i", data[at : at + 8 * n])
            pairs = tuple(None if lat == lib.OSM3S_NO_COORD else (lat, lon) for lat, lon in numbers)
            at += 8 * n
            user = self.index.get(index_keys.user(element.uid), b"").decode()
            box = (south, west, north, east) if south <= north and south != lib.OSM3S_NO_COORD else None
            stored.append(Stored(element._replace(tags=sorted(element.tags)), box, quad, pairs, user))
        return stored

    def dump(self) -> list[Stored]:
        """All elements, sorted by type and id."""
        return sorted(
            (stored for block in self.blocks for stored in block.elements), key=lambda s: (s.element.type, s.element.id)
        )

    # --- proofs -----------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Assert everything that an index says of the blocks, and that no byte of a file is used twice."""
        self.check_id_map()
        self.check_links()
        self.check_tags()
        self.check_directory()
        self.check_places()
        self.check_extents()

    def check_id_map(self) -> None:
        expected: list[dict[int, int]] = [{}, {}, {}]
        for block in self.blocks:
            for stored in block.elements:
                ids = expected[max(0, block.family - 1)]
                assert stored.element.id not in ids, f"{stored.element.type} {stored.element.id} is stored twice"
                ids[stored.element.id] = block.entry.id
        for element_type, ids in enumerate(expected):
            assert self.settings.n_elements[element_type] == len(ids)
            found = {}
            for key, page in self.index.items():
                if key[:2] == index_keys.ID_MAP + bytes([element_type]):
                    number = int.from_bytes(key[2:], "big")
                    wanted = ffi.new("uint64_t[]", list(range(number << 12, (number + 1) << 12)))
                    block_ids = ffi.new("uint32_t[4096]")
                    check(lib.osm3s_id_page_lookup(page, len(page), number, wanted, 4096, block_ids))
                    there = {(number << 12) + i: b for i, b in enumerate(block_ids) if b != UNRESOLVED}
                    assert there, "an empty page of the id map"
                    found |= there
            assert found == ids

    def check_links(self) -> None:
        expected: list[set[tuple[int, int]]] = [set() for _ in range(4)]
        for stored in self.dump():
            element = stored.element
            for kind, member, _ in element.members:
                expected[("node", "way", "relation").index(kind)].add((member, element.id))
            for ref, position in zip(element.refs, stored.coordinates, strict=True):
                if position is None:
                    expected[3].add((ref, element.id))
        for kind in range(4):
            links: list[tuple[int, int]] = []
            for key, page in sorted(self.index.items()):
                if key[:2] == index_keys.link_prefix(kind):
                    of_page = _links(page)
                    assert int.from_bytes(key[2:], "big") == of_page[-1][0]
                    assert not links or links[-1][0] < of_page[0][0], "the links of a member are on two pages"
                    links += of_page
            assert links == sorted(expected[kind])

    def check_tags(self) -> None:
        for family in (1, 2, 3):
            exact: dict[bytes, dict[int, int]] = defaultdict(dict)
            of_delta: dict[bytes, set[int]] = defaultdict(set)
            blocks = [block for block in self.blocks if block.family == family]
            for block in blocks:
                counts: dict[bytes, set[int]] = defaultdict(set)
                for stored in block.elements:
                    for key, value in stored.element.tags:
                        counts[index_keys.whole_key(key.encode())].add(stored.element.id)
                        counts[index_keys.one_tag(key.encode(), value.encode())].add(stored.element.id)
                for entry, ids in counts.items():
                    if block.entry.delta_head_len:
                        of_delta[entry].add(block.entry.id)
                    else:
                        exact[entry][block.entry.id] = len(ids)
            with_delta = {block.entry.id for block in blocks if block.entry.delta_head_len}
            listed = self._tag_entries(family)
            for entry, found in listed.items():
                without = {block: count for block, count in found.items() if block not in with_delta}
                assert without == exact.pop(entry, {}), entry
                assert of_delta.pop(entry, set()) <= set(found), entry
            assert not exact and not of_delta

    def _tag_entries(self, family: int) -> dict[bytes, dict[int, int]]:
        entries: dict[bytes, dict[int, int]] = {}
        last = b""
        for key, page in sorted(self.index.items()):
            if key[:2] != index_keys.tag_prefix(family):
                continue
            at, name, value = ffi.new("size_t *"), ffi.new("osm3s_bytes *"), ffi.new("osm3s_bytes *")
            while check(lib.osm3s_tag_page_next(page, len(page), at, name, value)):
                entry = bytes(ffi.buffer(name.data, name.len))
                assert entry > last or not entries
                last = entry
                total, n = ffi.new("uint64_t *"), ffi.new("size_t *")
                ids, counts = ffi.new("uint32_t[100000]"), ffi.new("uint32_t[100000]")
                check(lib.osm3s_tag_blocks(value.data, value.len, total, ids, counts, 100000, n))
                assert n[0] > 0
                assert list(ids[0 : n[0]]) == sorted(set(ids[0 : n[0]]))
                entries[entry] = dict(zip(ids[0 : n[0]], counts[0 : n[0]], strict=True))
                assert sum(entries[entry].values()) == total[0]
            assert key == index_keys.tag_page(family, last, int.from_bytes(key[-4:], "big"))
        return entries

    def check_directory(self) -> None:
        seen: set[tuple[int, int]] = set()
        for previous, block in zip([None, *self.blocks], self.blocks, strict=False):
            element_type = max(0, block.family - 1)
            assert (element_type, block.entry.id) not in seen
            seen.add((element_type, block.entry.id))
            assert block.entry.id < self.settings.next_block_id[element_type]
            if previous is not None and previous.family == block.family:
                assert previous.entry.order_key <= block.entry.order_key
            box = block.entry[-4:]
            for stored in block.elements:
                if stored.box is not None:
                    south, west, north, east = stored.box
                    assert box[0] <= south and box[1] <= west and box[2] >= north and box[3] >= east
                if self.settings.level != "data":
                    assert stored.element.timestamp <= block.entry.newest

    def check_places(self) -> None:
        """Every node and way is in a block in which a search by its order key looks (see native/snapshot.c)."""
        for family in (0, 1, 2):
            blocks = [block for block in self.blocks if block.family == family]
            keys = [block.entry.order_key for block in blocks]
            for number, block in enumerate(blocks):
                for stored in block.elements:
                    key = _order_key(family, stored.box)
                    last = max(0, bisect_right(keys, key) - 1)
                    first = last
                    while first > 0 and keys[first] >= key:
                        first -= 1
                    assert first <= number <= last, f"{stored.element.type} {stored.element.id} is in the wrong block"

    def check_extents(self) -> None:
        used: list[list[tuple[int, int]]] = [[] for _ in range(5)]
        for block in self.blocks:
            entry = block.entry
            used[block.family].append((entry.base_offset, rounded(entry.base_bytes)))
            if entry.delta_bytes:
                used[4].append((entry.delta_offset, rounded(entry.delta_bytes)))
        free = FreeExtents(self.index.get(FREE_KEY), self.index.get(LATEST_KEY), 0, None)
        for file in range(5):
            extents = used[file] + [(offset, length) for length, offset in free._usable[file]]
            extents.sort()
            for (offset, length), (following, _) in pairwise(extents):
                assert offset + length <= following, f"file {file}: extents overlap at {following}"
            if extents:
                assert sum(extents[-1]) <= rounded(self.settings.file_len[file])


def _order_key(family: int, box: tuple[int, int, int, int] | None) -> int:
    """As native/record.c has it."""
    mask = 0xFFFFFFFFFFF00000
    if box is None:
        return mask
    south, west, north, east = box
    if family < 2:
        return lib.osm3s_morton_of_position(south, west) & mask
    size = max(north - south, east - west)
    level = 0 if size < 1 << 17 else 1 if size < 1 << 20 else 2 if size < 1 << 23 else 3
    morton = lib.osm3s_morton_of_position(south + (north - south) // 2, west + (east - west) // 2)
    return (level << 62 | morton >> 2) & mask


def _links(page: bytes) -> list[tuple[int, int]]:
    def numbers() -> Any:
        value = shift = 0
        for byte in page[4:]:
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                yield value
                value = shift = 0

    links: list[tuple[int, int]] = []
    member, at = 0, numbers()
    for step in at:
        value = next(at)
        owner = links[-1][1] + value if links and step == 0 else value
        member += step
        links.append((member, owner))
    assert len(links) == int.from_bytes(page[:4], "little")
    return links
