"""What areas must be, computed slowly and plainly from a small map."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from osm3s.ffi.batch import Element
from osm3s.paths import DatabaseDir
from osm3s.storage.snapshot import Snapshot
from osm3s.update.update_files import update_files

World = dict[tuple[str, int], Element]
Lines = list[list[tuple[int, int]]]
WORLD_BOX = (-900_000_000, -1_800_000_000, 900_000_000, 1_800_000_000)


class Area(NamedTuple):
    tags: list[tuple[str, str]]
    lines: Lines
    box: tuple[int, int, int, int]


def becomes_area(tags: list[tuple[str, str]]) -> bool:
    by_key = dict(tags)
    if "postal_code" in by_key or "addr:postcode" in by_key:
        return True
    return "name" in by_key and (by_key.get("type") in ("multipolygon", "boundary") or "admin_level" in by_key)


def outline(world: World, way_ids: set[int]) -> tuple[Lines, set[int]]:
    """The lines of some ways, and the nodes at which an odd number of them ends. Ways with unknown nodes are left out;
    if that leaves a gap, two corners of the box are all."""
    lines, ends, line_ends = [], Counter[int](), Counter[int]()
    for way_id in sorted(way_ids):
        way = world.get(("way", way_id))
        if way is None or len(way.refs) < 2:
            continue
        ends.update((way.refs[0], way.refs[-1]))
        nodes = (world.get(("node", ref)) for ref in way.refs)
        line = [node.position for node in nodes if node is not None and node.position is not None]
        if len(line) == len(way.refs):
            lines.append(line)
            line_ends.update((way.refs[0], way.refs[-1]))
    if any(n % 2 for n in line_ends.values()):
        lats, lons = zip(*(point for line in lines for point in line), strict=True)
        lines = [[(min(lats), min(lons))], [(max(lats), max(lons))]]
    return lines, {node for node, n in ends.items() if n % 2}


def box_of(lines: Lines) -> tuple[int, int, int, int]:
    points = [point for line in lines for point in line]
    steps = [b[1] - a[1] for line in lines for a, b in pairwise(line)]
    crossings = sum(abs(step) > 1_800_000_000 for step in steps)
    lats, lons = [lat for lat, _ in points], [lon for _, lon in points]
    if crossings % 2:
        return WORLD_BOX
    if crossings:
        return min(lats), WORLD_BOX[1], max(lats), WORLD_BOX[3]
    return min(lats), min(lons), max(lats), max(lons)


def follow(areas: dict[int, Area], world: World) -> dict[int, Area]:
    """The areas after an update: broken outlines keep what they had."""
    after = {}
    for (kind, relation_id), relation in world.items():
        if kind != "relation" or not becomes_area(relation.tags):
            continue
        lines, odd = outline(world, {ref for member, ref, _ in relation.members if member == "way"})
        area_id = 3_600_000_000 + relation_id
        if odd:
            if area_id in areas:
                after[area_id] = areas[area_id]
        elif lines:
            bounding = [line for line in lines if len(line) > 1]
            after[area_id] = Area(sorted(relation.tags), bounding, box_of(lines))
    return after


def stored(root: Path) -> dict[int, Area]:
    with Snapshot(DatabaseDir(str(root))) as snapshot:
        assert snapshot.areas is not None
        return {area.id: Area(area.tags, area.outline().lines(), area.box) for area in snapshot.areas.all()}


def update(root: Path, content: bytes, areas: str | None = None, timestamp: str | None = None) -> None:
    file = root.parent / "input.osm"
    file.write_bytes(content)
    update_files(str(root), [str(file)], None, timestamp, None, areas)
