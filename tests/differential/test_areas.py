"""Areas of a small map, and what is around their borders, beside libosmium and shapely."""

from __future__ import annotations

from pathlib import Path
from random import Random

import osmium
import pytest

pytest.importorskip("shapely")

from .areas import Counts, compare

Ring = list[tuple[int, int]]
"""Latitudes and longitudes in units of 1e-7 degree, closed."""


def square(south: int, west: int, side: int) -> Ring:
    north, east = south + side, west + side
    return [(south, west), (south, east), (north, east), (north, west), (south, west)]


def jagged(rng: Random, lat: int, lon: int, size: int) -> Ring:
    """A polygon with sloping edges that does not cross itself: steps outwards and inwards around its middle."""
    corners = [(3, 0), (1, 1), (0, 3), (-1, 1), (-3, 0), (-1, -1), (0, -3), (1, -1)]
    ring = [(lat + size * y + rng.randrange(size // 2), lon + size * x + rng.randrange(size // 2)) for y, x in corners]
    return [*ring, ring[0]]


EDGE = [(515_100_000, 130_400_000), (515_200_000, 130_400_000), (515_300_000, 130_400_000)]
AREAS: list[list[tuple[str, Ring]]] = [
    [("outer", jagged(Random(1), 500_000_000, 100_000_000, 3_000_000))],
    [
        ("outer", square(510_000_000, 100_000_000, 9_000_000)),
        ("inner", jagged(Random(2), 514_000_000, 104_000_000, 900_000)),
    ],
    [("outer", square(520_000_000, 100_000_000, 1_000_000)), ("outer", square(521_000_000, 101_000_000, 1_000_000))],
    [
        ("outer", square(515_000_000, 130_000_000, 900_000)),
        ("inner", [*EDGE, (515_300_000, 130_200_000), (515_100_000, 130_200_000), EDGE[0]]),
        ("inner", [*EDGE, (515_300_000, 130_600_000), (515_100_000, 130_600_000), EDGE[0]]),
    ],
    [
        ("outer", square(530_000_000, 100_000_000, 900_000)),
        ("inner", square(530_100_000, 100_100_000, 600_000)),
        ("outer", square(530_200_000, 100_200_000, 300_000)),
    ],
]
"""With slopes over many squares of the reference; with a hole; with rings that touch in a corner; with two holes that
share an edge; nested."""


def write_map(path: Path) -> None:
    nodes: dict[tuple[int, int], int] = {}
    ways: list[list[int]] = []
    relations = []
    for rings in AREAS:
        members = []
        for role, ring in rings:
            ways.append([nodes.setdefault(place, len(nodes) + 1) for place in ring])
            members.append(("w", len(ways), role))
        relations.append(members)
    with osmium.SimpleWriter(str(path)) as writer:
        for (lat, lon), id_ in nodes.items():
            writer.add_node(osmium.osm.mutable.Node(id=id_, version=1, location=(lon / 1e7, lat / 1e7)))
        for number, refs in enumerate(ways):
            writer.add_way(osmium.osm.mutable.Way(id=number + 1, version=1, nodes=refs, tags={"highway": "path"}))
        for number, members in enumerate(relations):
            tags = {"type": "multipolygon", "name": f"area {number}"}
            writer.add_relation(osmium.osm.mutable.Relation(id=number + 1, version=1, members=members, tags=tags))


def compared(folder: Path) -> Counts:
    path = folder / "map.osm.pbf"
    write_map(path)
    return compare(path, folder, None, Random(1), n_closed=5, n_places=100)


def test_nothing_contradicts_the_oracle(tmp_path: Path) -> None:
    counts = compared(tmp_path)
    assert counts.wrong == []
    assert counts.areas == len(AREAS) + 5 and counts.places == 100
    assert counts.certain > 100


def test_a_wrong_answer_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a project that forgets a hundredth of the elements."""
    from . import areas

    def forgetful(path: Path, work: Path) -> areas.Ask:
        ask = project(path, work)
        return lambda query: b"\n".join(line for line in ask(query).split(b"\n") if not line.endswith(b"7\t"))

    project = areas._project
    monkeypatch.setattr(areas, "_project", forgetful)
    assert len(compared(tmp_path).wrong) > 3
