"""What outlines enclose, however their ways are cut, ordered and nested: seen through is_in."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outlines import update
from update.osm_xml import osm_file

from osm3s.areas import generator
from osm3s.ffi.batch import Element
from osm3s.serve.local import LocalDatabase
from osm3s.storage.areas import open_areas

Point = tuple[int, int]
"""Latitude and longitude in degrees."""
Ring = list[Point]


def square(south: int, west: int, north: int, east: int) -> Ring:
    return [(south, west), (south, east), (north, east), (north, west), (south, west)]


def map_of(ways: list[Ring]) -> list[Element]:
    """A relation of these ways; equal positions are one node."""
    numbers: dict[Point, int] = {}
    for point in (point for way in ways for point in way):
        numbers.setdefault(point, len(numbers) + 1)
    nodes = [
        Element("node", i, (lat * 10_000_000, lon * 10_000_000), 1, 0, 0, 0, "", False, [], [], [])
        for (lat, lon), i in numbers.items()
    ]
    lines = [
        Element("way", i, None, 1, 0, 0, 0, "", False, [], [numbers[point] for point in way], [])
        for i, way in enumerate(ways, 1)
    ]
    tags = [("name", "x"), ("type", "multipolygon")]
    members = [("way", i, "") for i in range(len(ways), 0, -1)]
    return [*nodes, *lines, Element("relation", 1, None, 1, 0, 0, 0, "", False, tags, [], members)]


def areas_at(root: Path, points: list[tuple[float, float]]) -> list[bool]:
    """Whether the area contains each of the points."""
    steps = "".join(f"is_in({lat:.7f},{lon:.7f});out count;" for lat, lon in points)
    answer = LocalDatabase(str(root)).query(f'[out:csv(::"count:areas";false)];{steps}')
    return [line == "1" for line in answer.text.split()]


def made(folder: Path, elements: list[Element]) -> Path:
    root = folder / "db"
    update(root, osm_file(elements), "auto")
    generator.follow(str(root))
    return root


SHAPES: dict[str, tuple[list[Ring], list[Point], list[Point]]] = {
    "several outer rings": ([square(0, 0, 4, 4), square(0, 10, 4, 14)], [(1, 1), (3, 11)], [(1, 7), (5, 1)]),
    "inner ring and island": (
        [square(0, 0, 10, 10), square(2, 2, 8, 8), square(4, 4, 6, 6)],
        [(1, 1), (5, 5), (9, 5)],
        [(3, 3), (7, 5), (11, 5)],
    ),
    "rings that touch in a point": ([square(0, 0, 4, 4), square(4, 4, 8, 8)], [(1, 1), (7, 7)], [(1, 7), (7, 1)]),
    "rings that share a side": (
        [[(0, 0), (0, 4), (4, 4)], [(4, 4), (4, 0), (0, 0)], square(4, 0, 8, 4)],
        [(1, 1), (7, 1)],
        [(1, 5), (9, 1)],
    ),
    "an inner ring that touches the outer one": ([square(0, 0, 8, 8), square(0, 2, 4, 6)], [(1, 1), (7, 4)], [(1, 4)]),
    "over the antimeridian": (
        [[(0, 170), (0, -170), (8, -170), (8, 170), (0, 170)]],
        [(1, 175), (1, -175), (7, 179), (7, -179)],
        [(1, 165), (1, -165), (1, 0), (9, 180)],
    ),
    "over the antimeridian, cut there": (
        [[(0, 170), (0, 180)], [(8, 180), (8, 170), (0, 170)], [(0, 180), (8, 180)]],
        [(1, 175)],
        [(1, 165), (1, -175)],
    ),
    "around the south pole": (
        [[(-70, -170), (-70, -60), (-70, 60), (-70, 170), (-70, -170)]],
        [(-80, 0), (-89, 100), (-75, -175), (-75, 179)],
        [(-60, 0), (0, 0), (60, 100)],
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(tmp_path: Path, name: str) -> None:
    ways, inside, outside = SHAPES[name]
    root = made(tmp_path, map_of(ways))
    assert areas_at(root, [*inside, *outside]) == [True] * len(inside) + [False] * len(outside)


@pytest.mark.parametrize(
    "ways",
    [
        pytest.param([[(0, 0), (0, 4), (4, 4), (4, 0)]], id="a ring that is not closed"),
        pytest.param([square(0, 0, 4, 4), [(9, 9), (9, 8)]], id="a way that leads nowhere"),
        pytest.param([[(0, 0), (0, 4)], [(0, 0), (4, 4)], [(0, 0), (4, 0)]], id="three ends at one node"),
    ],
)
def test_no_area_of_open_outlines(tmp_path: Path, ways: list[Ring]) -> None:
    areas = open_areas(str(made(tmp_path, map_of(ways))))
    assert areas is not None and areas.all() == []


def test_members_that_are_not_there_are_passed_over(tmp_path: Path) -> None:
    elements = map_of([square(0, 0, 10, 10), square(2, 2, 8, 8)])
    root = made(tmp_path, [element for element in elements if (element.type, element.id) != ("way", 2)])
    assert areas_at(root, [(1, 1), (5, 5), (11, 5)]) == [True, True, False]


def test_a_member_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    *others, relation = map_of([square(0, 0, 10, 10)])
    root = made(tmp_path, [*others, relation._replace(members=relation.members * 2)])
    assert areas_at(root, [(1, 1), (11, 5)]) == [True, False]


SQUARES = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 6), st.integers(1, 6))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(squares=st.lists(SQUARES, min_size=1, max_size=5), data=st.data())
def test_any_rings_cut_anywhere_in_any_order(squares: list[tuple[int, int, int, int]], data: st.DataObject) -> None:
    """A point is inside if an odd number of rings is around it."""
    boxes = [(s, w, s + height, w + width) for s, w, height, width in squares]
    ways: list[Ring] = []
    for box in boxes:
        corners = square(*box)[:-1]
        first = data.draw(st.integers(0, 3))
        ring = [*corners[first:], *corners[: first + 1]]
        cuts = sorted(data.draw(st.sets(st.integers(1, 3))))
        pieces = [ring[a : b + 1] for a, b in pairwise([0, *cuts, 4])]
        ways += [piece[::-1] if data.draw(st.booleans()) else piece for piece in pieces]
    ways = data.draw(st.permutations(ways))
    points = [(lat + 0.5, lon + 0.5) for lat in range(0, 15, 2) for lon in range(1, 15, 2)]
    expected = [sum(s < lat < n and w < lon < e for s, w, n, e in boxes) % 2 == 1 for lat, lon in points]
    with TemporaryDirectory() as folder:
        root = made(Path(folder), map_of(ways))
        assert areas_at(root, points) == expected
