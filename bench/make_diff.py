"""A change file like a busy minute: 6,020 elements created, moved and edited, in many places or in a few.

The same data, number and number of places give the same file. The places are runs of ways that follow each other by
id, spread evenly over the file, without the ways that have nodes missing in it; elements that one diff touches are not
touched by the next number.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from xml.sax.saxutils import quoteattr

import osmium

NODE_CREATES, WAY_CREATES, NODE_MOVES, WAY_EDITS, RELATION_EDITS = 3600, 400, 1500, 500, 20
SCATTERED_PLACES, CLUSTERED_PLACES = 60, 2
NODES_PER_NEW_WAY = NODE_CREATES // WAY_CREATES
DIFFS_APART = 8
"""Diffs of numbers 0 .. DIFFS_APART - 1 have places of their own."""
ID_ROOM = 1_000_000

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class WayCopy:
    """What a diff needs of a way; compared by identity."""

    id: int
    version: int
    refs: tuple[int, ...]
    tags: dict[str, str]


@dataclass(frozen=True)
class Source:
    """The part of a data file that one diff touches. Coordinates in degrees; versions are the present ones."""

    places: list[list[WayCopy]]
    nodes: dict[int, tuple[int, float, float, dict[str, str]]]
    relations: list[tuple[int, int, list[tuple[str, int, str]], dict[str, str]]]
    first_new_id: int


def read_ids(pbf: Path) -> tuple[array[int], array[int]]:
    """The ids of all ways and of all relations of a file, in its order."""
    ways, relations = array("q"), array("q")
    for element in osmium.FileProcessor(str(pbf), osmium.osm.WAY | osmium.osm.RELATION):
        (ways if isinstance(element, osmium.osm.Way) else relations).append(element.id)
    return ways, relations


def read_source(pbf: Path, ids: tuple[array[int], array[int]], number: int, places: int) -> Source:
    """Read the part of a file that the diff of a number changes; `ids` as from read_ids."""
    way_ids, relation_ids = ids
    stride = len(way_ids) / places
    ways_per_place = min(3 * -(-WAY_EDITS // places), int(stride / DIFFS_APART))
    starts = [int((place + number / DIFFS_APART) * stride) for place in range(places)]
    runs = [way_ids[start : start + ways_per_place] for start in starts]
    copies = {
        way.id: WayCopy(way.id, way.version, tuple(ref.ref for ref in way.nodes), {tag.k: tag.v for tag in way.tags})
        for way in _only(pbf, osmium.osm.WAY, (way_id for run in runs for way_id in run))
    }
    nodes = {
        node.id: (node.version, node.lat, node.lon, {tag.k: tag.v for tag in node.tags})
        for node in _only(pbf, osmium.osm.NODE, {ref for way in copies.values() for ref in way.refs})
    }
    step = max(1, len(relation_ids) // RELATION_EDITS)
    edited = relation_ids[step * number // DIFFS_APART :: step][:RELATION_EDITS]
    relations = [
        (
            relation.id,
            relation.version,
            [(m.type, m.ref, m.role) for m in relation.members],
            {t.k: t.v for t in relation.tags},
        )
        for relation in _only(pbf, osmium.osm.RELATION, edited)
    ]
    largest_id = max([*way_ids[-1:], *relation_ids[-1:], *nodes, *(ref for way in copies.values() for ref in way.refs)])
    whole = {way.id for way in copies.values() if all(ref in nodes for ref in way.refs)}
    places_of_ways = [[copies[way_id] for way_id in run if way_id in whole] for run in runs]
    return Source(places_of_ways, nodes, relations, (largest_id // ID_ROOM + 2 + number) * ID_ROOM)


def _only(pbf: Path, kind: osmium.osm.osm_entity_bits, ids: Iterable[int]) -> Iterable[Any]:
    return osmium.FileProcessor(str(pbf), kind).with_filter(osmium.filter.IdFilter(ids))


def change_lines(source: Source, number: int) -> Iterator[str]:
    """The osmChange document of a source, line by line."""
    chance = random.Random(number)
    stamp = f'timestamp="2026-06-01T00:{number:02}:00Z" changeset="{190_000_000 + number}" uid="1234567" user="bench"'

    def tag_lines(tags: dict[str, str]) -> Iterator[str]:
        for key, value in tags.items():
            yield f"      <tag k={quoteattr(key)} v={quoteattr(value)}/>"

    def node_lines(node_id: int, version: int, lat: float, lon: float, tags: dict[str, str]) -> Iterator[str]:
        yield f'    <node id="{node_id}" version="{version}" {stamp} lat="{lat:.7f}" lon="{lon:.7f}">'
        yield from tag_lines(tags)
        yield "    </node>"

    def way_lines(way_id: int, version: int, refs: Sequence[int], tags: dict[str, str]) -> Iterator[str]:
        yield f'    <way id="{way_id}" version="{version}" {stamp}>'
        yield from (f'      <nd ref="{ref}"/>' for ref in refs)
        yield from tag_lines(tags)
        yield "    </way>"

    anchors = [_anchors(ways, source.nodes) for ways in source.places]
    new_ids = range(source.first_new_id, source.first_new_id + NODE_CREATES)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<osmChange version="0.6" generator="bench">\n  <create>'
    for index in range(WAY_CREATES):
        _, lat, lon, _ = source.nodes[chance.choice(anchors[index % len(anchors)])]
        for node_id in new_ids[index * NODES_PER_NEW_WAY : (index + 1) * NODES_PER_NEW_WAY]:
            lat, lon = lat + chance.uniform(-2e-4, 2e-4), lon + chance.uniform(-2e-4, 2e-4)
            yield from node_lines(node_id, 1, lat, lon, {"barrier": "gate"} if node_id % 20 == 0 else {})
    for index in range(WAY_CREATES):
        refs = new_ids[index * NODES_PER_NEW_WAY : (index + 1) * NODES_PER_NEW_WAY]
        kind = {"building": "yes"} if index % 2 else {"highway": "path", "name": f"New path {number}-{index}"}
        yield from way_lines(source.first_new_id + index, 1, [*refs, refs[0]] if index % 2 else refs, kind)
    yield "  </create>\n  <modify>"
    for node_id in _take_in_turn(anchors, NODE_MOVES):
        version, lat, lon, tags = source.nodes[node_id]
        yield from node_lines(
            node_id, version + 1, lat + chance.uniform(-3e-5, 3e-5), lon + chance.uniform(-3e-5, 3e-5), tags
        )
    for index, way in enumerate(_take_in_turn(source.places, WAY_EDITS)):
        place = index % len(source.places)
        if index % 3:
            yield from way_lines(way.id, way.version + 1, way.refs, {**way.tags, "check_date": "2026-06-01"})
        else:
            new_ref = new_ids[(place + len(anchors) * chance.randrange(3)) * NODES_PER_NEW_WAY % NODE_CREATES]
            yield from way_lines(way.id, way.version + 1, [*way.refs[:1], new_ref, *way.refs[1:]], way.tags)
    names = {"n": "node", "w": "way", "r": "relation"}
    for relation_id, version, members, tags in source.relations:
        yield f'    <relation id="{relation_id}" version="{version + 1}" {stamp}>'
        for kind_letter, ref, role in members:
            yield f'      <member type="{names[kind_letter]}" ref="{ref}" role={quoteattr(role)}/>'
        yield from tag_lines({**tags, "check_date": "2026-06-01"})
        yield "    </relation>"
    yield "  </modify>\n</osmChange>"


def _anchors(ways: list[WayCopy], nodes: dict[int, tuple[int, float, float, dict[str, str]]]) -> list[int]:
    """The nodes of a place's ways that the data file has, each once, in the order of the ways."""
    return list(dict.fromkeys(ref for way in ways for ref in way.refs if ref in nodes))


def _take_in_turn(places: list[list[Item]], count: int) -> list[Item]:
    """The first `count` items, one place after the other, each place's in their order."""
    depth = max(map(len, places))
    in_turn = dict.fromkeys(place[row] for row in range(depth) for place in places if row < len(place))
    return list(in_turn)[:count]


def write_diffs(pbf: Path, targets: Sequence[tuple[Path, int, int]]) -> None:
    """Write diffs as uncompressed osmChange; a target is (file, number from 0 to DIFFS_APART - 1, places)."""
    ids = read_ids(pbf)
    for osc, number, places in targets:
        lines = change_lines(read_source(pbf, ids, number, places), number)
        osc.parent.mkdir(parents=True, exist_ok=True)
        osc.write_text("\n".join(lines) + "\n", encoding="utf-8")
