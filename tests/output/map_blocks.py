"""A small map for the output tests: elements as Python values, and blocks made of them for the native core."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osm3s.ffi import check, ffi, lib

Tags = dict[str, str]
NODE, WAY, RELATION = range(3)
TYPES = ("node", "way", "relation")


@dataclass(frozen=True)
class Meta:
    version: int = 0
    timestamp: int = 0
    changeset: int = 0
    uid: int = 0


@dataclass(frozen=True)
class Node:
    id: int
    lat: int
    lon: int
    tags: Tags = field(default_factory=dict)
    meta: Meta | None = None


@dataclass(frozen=True)
class Way:
    id: int
    refs: list[int]
    tags: Tags = field(default_factory=dict)
    meta: Meta | None = None


@dataclass(frozen=True)
class Relation:
    id: int
    members: list[tuple[str, int, str]]
    tags: Tags = field(default_factory=dict)
    meta: Meta | None = None


class Map:
    """Elements by type and id."""

    def __init__(self, elements: Iterable[Node | Way | Relation]) -> None:
        self.nodes: dict[int, Node] = {}
        self.ways: dict[int, Way] = {}
        self.relations: dict[int, Relation] = {}
        for e in elements:
            if isinstance(e, Node):
                self.nodes[e.id] = e
            elif isinstance(e, Way):
                self.ways[e.id] = e
            else:
                self.relations[e.id] = e

    def positions(self, way: Way) -> list[tuple[int, int] | None]:
        nodes = map(self.nodes.get, way.refs)
        return [None if node is None else (node.lat, node.lon) for node in nodes]

    def box(self, relation: Relation) -> dict[str, int]:
        """Around the members that are there: nodes and ways."""
        nodes = [self.nodes[ref] for type_, ref, _ in relation.members if type_ == "node" and ref in self.nodes]
        ways = [self.ways[ref] for type_, ref, _ in relation.members if type_ == "way" and ref in self.ways]
        places = [(node.lat, node.lon) for node in nodes] + [p for way in ways for p in self.positions(way) if p]
        if not places:
            return {"south": 1, "west": 0, "north": 0, "east": 0}
        (south, north), (west, east) = ((min(side), max(side)) for side in zip(*places, strict=True))
        return {"south": south, "west": west, "north": north, "east": east}

    def quads(self, type_: str, id_: int) -> list[int]:
        """The quadtile index of a node or way, if it is there."""
        if type_ == "node" and id_ in self.nodes:
            node = self.nodes[id_]
            return [lib.osm3s_quad_of_position(node.lat, node.lon)]
        if type_ == "way" and id_ in self.ways:
            known = [p for p in self.positions(self.ways[id_]) if p]
            lats, lons = [p[0] for p in known] or [1, 0], [p[1] for p in known] or [0]
            south, north = (min(lats), max(lats)) if known else (1, 0)
            return [lib.osm3s_quad_of_bbox({"south": south, "west": min(lons), "north": north, "east": max(lons)})]
        return []


class ElementSet:
    """Elements by type and id, as the printers take them."""

    def __init__(self) -> None:
        self.handle = ffi.gc(lib.osm3s_set_new(), lib.osm3s_set_free)

    def ids(self, type_: int) -> list[int]:
        rows = self.handle.of[type_]
        return [rows.rows[i].id for i in range(rows.n)]


class Blocks:
    """A snapshot of a map; `per_block` elements go into each block."""

    def __init__(self, content: Map, directory: Path, per_block: int = 1000) -> None:
        self.handle: Any = ffi.gc(lib.osm3s_snapshot_new(), lib.osm3s_snapshot_free)
        self._builder = ffi.gc(lib.osm3s_block_builder_new(), lib.osm3s_block_builder_free)
        self._map = content
        self._block_of: tuple[dict[int, int], ...] = ({}, {}, {})
        self._metas: list[tuple[int, bytes]] = []
        self._next_id = [0, 0, 0]
        self._n_blocks = 0
        nodes = list(content.nodes.values())
        families: list[tuple[int, int, Sequence[Any]]] = [
            (lib.OSM3S_NODES, NODE, [n for n in nodes if not n.tags]),
            (lib.OSM3S_TAGGED_NODES, NODE, [n for n in nodes if n.tags]),
            (lib.OSM3S_WAYS, WAY, list(content.ways.values())),
            (lib.OSM3S_RELATIONS, RELATION, list(content.relations.values())),
        ]
        for family, type_, elements in families:
            self._write_family(directory / f"{family}.bin", family, type_, elements, per_block)
        check(lib.osm3s_snapshot_seal(self.handle))
        self._kept = []
        for block, meta in self._metas:
            buffer = ffi.new("uint8_t[]", meta)
            self._kept.append(buffer)
            check(lib.osm3s_snapshot_attach_meta(self.handle, block, 0, buffer, len(meta)))

    def _write_family(self, path: Path, family: int, type_: int, elements: Sequence[Any], per_block: int) -> None:
        entries, offset = [], 0
        with path.open("wb") as file:
            for start in range(0, len(elements), per_block):
                chunk = elements[start : start + per_block]
                entry, raw = self._block(family, type_, chunk, offset)
                file.write(raw)
                offset += len(raw)
                entries.append(entry)
        check(lib.osm3s_snapshot_map(self.handle, family, str(path).encode()))
        packed = b"".join(bytes(ffi.buffer(entry)) for entry in entries)
        check(lib.osm3s_snapshot_add_directory(self.handle, family, packed, len(packed), False))

    def _block(self, family: int, type_: int, elements: Sequence[Any], offset: int) -> tuple[Any, bytes]:
        lib.osm3s_block_builder_start(self._builder, family)
        number = self._next_id[type_]
        self._next_id[type_] += 1
        for element in elements:
            self._add(element)
            self._block_of[type_][element.id] = number
        block = ffi.new("osm3s_block *")
        check(lib.osm3s_block_finish(self._builder, block))
        raw = bytes(ffi.buffer(block.block, block.head_len + block.body_len))
        if block.meta_len:
            self._metas.append((self._n_blocks, bytes(ffi.buffer(block.meta, block.meta_len))))
        self._n_blocks += 1
        entry = ffi.new("osm3s_dir_entry *")
        entry.order_key, entry.id, entry.n = number, number, block.n
        entry.base_offset, entry.head_len, entry.body_len = offset, block.head_len, block.body_len
        entry.head_sum = lib.osm3s_checksum(raw, block.head_len)
        entry.body_sum = lib.osm3s_checksum(raw[block.head_len :], block.body_len)
        entry.bbox = block.bbox
        return entry, raw

    def _add(self, e: Node | Way | Relation) -> None:
        builder, meta = self._builder, e.meta or Meta()
        native_meta = {
            "version": meta.version,
            "timestamp": meta.timestamp,
            "changeset": meta.changeset,
            "uid": meta.uid,
        }
        if isinstance(e, Node):
            check(lib.osm3s_block_add_node(builder, e.id, e.lat, e.lon, native_meta))
        elif isinstance(e, Way):
            check(lib.osm3s_block_add_way(builder, e.id, native_meta))
            for ref, position in zip(e.refs, self._map.positions(e), strict=True):
                lat, lon = position or (lib.OSM3S_NO_COORD, lib.OSM3S_NO_COORD)
                check(lib.osm3s_block_add_way_node(builder, ref, lat, lon))
        else:
            bbox = self._map.box(e)
            quads = [quad for type_, ref, _ in e.members for quad in self._map.quads(type_, ref)]
            quad = lib.osm3s_quad_of_members(quads, len(quads))
            check(lib.osm3s_block_add_relation(builder, e.id, bbox, quad, native_meta))
            for type_, ref, role in e.members:
                raw = role.encode()
                check(lib.osm3s_block_add_member(builder, TYPES.index(type_), ref, raw, len(raw)))
        for key, value in e.tags.items():
            k, v = key.encode(), value.encode()
            check(lib.osm3s_block_add_tag(builder, k, len(k), v, len(v)))

    def elements(
        self, *, nodes: Iterable[int] = (), ways: Iterable[int] = (), relations: Iterable[int] = ()
    ) -> ElementSet:
        """Those of the ids that exist."""
        found = ElementSet()
        for type_, ids in ((NODE, nodes), (WAY, ways), (RELATION, relations)):
            rows = ffi.addressof(found.handle.of[type_])
            for id_ in sorted({id_ for id_ in ids if id_ in self._block_of[type_]}):
                check(lib.osm3s_rows_push(rows, id_, self._block_of[type_][id_], 0, 0, 0))
            check(lib.osm3s_rows_locate(self.handle, type_, rows))
        return found

    def members_of(self, relations: Iterable[int]) -> ElementSet:
        """Node and way members of relations."""
        members = [m for id_ in relations if id_ in self._map.relations for m in self._map.relations[id_].members]
        return self.elements(
            nodes=[ref for type_, ref, _ in members if type_ == "node"],
            ways=[ref for type_, ref, _ in members if type_ == "way"],
        )
