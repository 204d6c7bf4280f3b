"""Blocks made through the core, and databases of a few blocks around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from struct import iter_unpack, unpack_from
from typing import Any, NamedTuple

from format_decoder import NO_COORD, Decoded, Meta
from hypothesis import strategies as st

from osm3s.ffi import check, ffi, lib
from osm3s.ffi.batch import Batch
from osm3s.storage.block_files import checksum
from osm3s.storage.directory import DirectoryEntry

NODES, TAGGED_NODES, WAYS, RELATIONS = range(4)
DELTAS = 4


class Made(NamedTuple):
    head: bytes
    body: bytes
    meta: bytes
    n: int
    newest: int
    box: tuple[int, int, int, int]


def build(family: int, elements: Iterable[Decoded], builder: Any = None, as_attic: bool = False) -> Made:
    """A block of elements in any order; `as_attic`: those of one id are its versions, one after the other."""
    builder = builder or ffi.gc(lib.osm3s_block_builder_new(), lib.osm3s_block_builder_free)
    lib.osm3s_block_builder_start(builder, family)
    if as_attic:
        lib.osm3s_block_keep_times(builder, lib.OSM3S_TIMES_BOTH)
    for e in elements:
        meta = (e.meta.version, e.meta.timestamp, e.meta.changeset, e.meta.uid)
        if family <= TAGGED_NODES:
            assert e.position is not None
            check(lib.osm3s_block_add_node(builder, e.id, *e.position, meta))
        elif family == WAYS:
            check(lib.osm3s_block_add_way(builder, e.id, meta))
        else:
            check(lib.osm3s_block_add_relation(builder, e.id, e.box or (1, 0, 0, 0), e.quad, meta))
        for key, value in e.tags:
            check(lib.osm3s_block_add_tag(builder, key, len(key), value, len(value)))
        for ref, lat, lon in e.nodes:
            check(lib.osm3s_block_add_way_node(builder, ref, lat, lon))
        for kind, ref, role in e.members:
            check(lib.osm3s_block_add_member(builder, kind, ref, role, len(role)))
    out = ffi.new("osm3s_block *")
    check(lib.osm3s_block_finish(builder, out))
    box = out.bbox
    return Made(
        bytes(ffi.buffer(out.block, out.head_len)),
        bytes(ffi.buffer(out.block + out.head_len, out.body_len)),
        bytes(ffi.buffer(out.meta, out.meta_len)) if out.meta_len else b"",
        out.n,
        out.newest,
        (box.south, box.west, box.north, box.east),
    )


def box_of(nodes: Sequence[tuple[int, int, int]]) -> tuple[int, int, int, int] | None:
    known = [(lat, lon) for _, lat, lon in nodes if lat != NO_COORD]
    if not known:
        return None
    lats, lons = zip(*known, strict=True)
    return min(lats), min(lons), max(lats), max(lons)


def expected(family: int, e: Decoded) -> Decoded:
    """An element as it should come out of a block."""
    tags = tuple(sorted(e.tags)) if family != NODES else ()
    return e._replace(tags=tags, box=box_of(e.nodes) if family == WAYS else e.box)


def check_bytes(made: Made) -> int:
    """The core's opinion of a block: 0 or a negative error."""
    data = made.head + made.body
    code: int = lib.osm3s_block_check(data, len(made.head), len(made.body), made.meta, len(made.meta))
    return code


class Blocks:
    """A snapshot of blocks in a folder: `add` blocks per family in order, then `open`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[bytearray] = [bytearray() for _ in range(5)]
        self.entries: list[list[DirectoryEntry]] = [[] for _ in range(4)]
        self.metas: list[list[tuple[bytes, bytes]]] = [[] for _ in range(4)]

    def _put(self, file: int, data: bytes) -> int:
        self.files[file] += bytes(-len(self.files[file]) % 64)
        offset = len(self.files[file])
        self.files[file] += data
        return offset

    def add(
        self, family: int, made: Made, delta: Made | None = None, dead: Sequence[int] = (), order_key: int = 0
    ) -> None:
        entry = DirectoryEntry(
            order_key=order_key,
            id=len(self.entries[family]) + (1000 if family == TAGGED_NODES else 0),
            n=made.n,
            base_offset=self._put(family, made.head + made.body),
            head_sum=checksum(made.head),
            body_sum=checksum(made.body),
            meta_sum=0,
            head_len=len(made.head),
            body_len=len(made.body),
            meta_len=0,
            newest=made.newest,
            south=-(2**31) + 1,
            west=-(2**31),
            north=2**31 - 1,
            east=2**31 - 1,
        )
        if delta is not None:
            slots = b"".join(slot.to_bytes(2, "little") for slot in dead)
            frame = slots + bytes(-len(slots) % 8) + delta.head + delta.body
            entry = entry._replace(
                delta_offset=self._put(DELTAS, frame),
                delta_sum=checksum(frame),
                n_dead=len(dead),
                delta_head_len=len(delta.head),
                delta_body_len=len(delta.body),
                n_delta=delta.n,
            )
        self.entries[family].append(entry)
        self.metas[family].append((made.meta, delta.meta if delta is not None else b""))

    def open(self) -> Any:
        """The native snapshot, with all metadata attached."""
        snapshot = ffi.gc(lib.osm3s_snapshot_new(), lib.osm3s_snapshot_free)
        for file, data in enumerate(self.files):
            path = self.folder / f"{file}.bin"
            path.write_bytes(data)
            check(lib.osm3s_snapshot_map(snapshot, file, str(path).encode()))
        for family, entries in enumerate(self.entries):
            page = b"".join(entry.pack() for entry in entries)
            check(lib.osm3s_snapshot_add_directory(snapshot, family, page, len(page), False))
        check(lib.osm3s_snapshot_seal(snapshot))
        self.kept = []
        block = 0
        for metas in self.metas:
            for frames in metas:
                for delta, frame in enumerate(frames):
                    if frame:
                        buffer = ffi.from_buffer(frame)
                        self.kept.append(buffer)
                        check(lib.osm3s_snapshot_attach_meta(snapshot, block, delta, buffer, len(frame)))
                block += 1
        return snapshot


def dump(snapshot: Any, block: int, family: int) -> list[Decoded]:
    """The live elements of a block as the core reads them."""
    batch, places = Batch(), ffi.new("osm3s_bytes *")
    check(lib.osm3s_dump_block(snapshot, block, batch.c, places))
    data = bytes(ffi.buffer(places.data, places.len)) if places.len else b""
    lib.osm3s_free(ffi.cast("void *", places.data))
    c, at, found = batch.c, 0, []

    def string(number: int) -> bytes:
        start = c.string_start[number]
        return bytes(ffi.unpack(c.bytes + start, c.string_start[number + 1] - start)) if number else b""

    for i in range(c.n_elements):
        e = c.elements[i]
        south, west, north, east, quad, n = unpack_from("<4iII", data, at)
        coordinates = list(iter_unpack("<2i", data[at + 24 : at + 24 + 8 * n]))
        at += 24 + 8 * n
        tags = range(e.tag_start, e.tag_start + e.n_tags)
        refs = range(e.ref_start, e.ref_start + e.n_refs)
        found.append(
            Decoded(
                id=e.id,
                position=(e.lat, e.lon) if family <= TAGGED_NODES else None,
                box=(south, west, north, east) if family >= WAYS and south <= north else None,
                quad=quad,
                tags=tuple((string(c.tags[t].key), string(c.tags[t].value)) for t in tags),
                nodes=tuple((c.refs[r], *coordinates[k]) for k, r in enumerate(refs)) if family == WAYS else (),
                members=tuple((c.ref_types[r], c.refs[r], string(c.ref_roles[r])) for r in refs)
                if family == RELATIONS
                else (),
                meta=Meta(e.meta.version, e.meta.timestamp, e.meta.changeset, e.meta.uid),
            )
        )
    return found


# --- random elements ------------------------------------------------------------------------------------------------

IDS = st.integers(1, 30) | st.integers(1, 2**63 - 1) | st.sampled_from([1, 255, 256, 65536, 2**32, 2**63 - 1])
REFS = st.integers(-5, 40) | st.integers(-(2**63), 2**63 - 1)
LATS = st.integers(-900_000_000, 900_000_000) | st.integers(-10, 10)
LONS = st.integers(-1_800_000_000, 1_800_000_000) | st.integers(-10, 10)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6).map(str.encode) | st.sampled_from(
    [b"", b"a", b"ab", "é".encode(), b"\0", b"\1", b"x" * 300]
)
KEYS = st.sampled_from([b"", b"a", b"ab", b"b", "ключ".encode()]) | TEXTS
TAGS = st.lists(st.tuples(KEYS, TEXTS), max_size=5).map(tuple)
U32 = st.sampled_from([0, 1, 2**32 - 1]) | st.integers(0, 2**32 - 1)
METAS = st.just(Meta()) | st.tuples(U32, U32, U32, st.integers(-(2**31), 2**31 - 1)).map(lambda m: Meta(*m))
NODE_OF_WAY = st.tuples(REFS, LATS, LONS) | REFS.map(lambda ref: (ref, NO_COORD, NO_COORD))
MEMBER = st.tuples(st.integers(0, 2), REFS, TEXTS)
BOXES = st.tuples(LATS, LONS, LATS, LONS).map(lambda b: b if b[0] <= b[2] else None)


def element_of(family: int) -> st.SearchStrategy[Decoded]:
    if family <= TAGGED_NODES:
        position = st.tuples(LATS, LONS) | st.just((NO_COORD, 0))
        tags = TAGS if family == TAGGED_NODES else st.just(())
        return st.tuples(IDS, position, tags, METAS).map(lambda e: Decoded(e[0], position=e[1], tags=e[2], meta=e[3]))
    if family == WAYS:
        nodes = st.lists(NODE_OF_WAY, max_size=8) | st.lists(NODE_OF_WAY, min_size=100, max_size=200)
        return st.tuples(IDS, TAGS, nodes, METAS).map(lambda e: Decoded(e[0], tags=e[1], nodes=tuple(e[2]), meta=e[3]))
    return st.tuples(IDS, BOXES, U32, TAGS, st.lists(MEMBER, max_size=10), METAS).map(
        lambda e: Decoded(e[0], box=e[1], quad=e[2], tags=e[3], members=tuple(e[4]), meta=e[5])
    )


def elements_of(family: int, max_size: int = 12) -> st.SearchStrategy[list[Decoded]]:
    return st.lists(element_of(family), max_size=max_size, unique_by=lambda e: e.id)
