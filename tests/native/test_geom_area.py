"""Areas against a slow oracle in Python integers, and against shapely away from their borders."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from geometry import LAT_90, LON_180, UNKNOWN, AreaIndex, Box, Position, near
from hypothesis import given
from hypothesis import strategies as st

from osm3s.errors import QueryOutOfMemory, QueryTimeout
from osm3s.ffi import ffi, lib

OUTSIDE, BORDER, INSIDE = lib.OSM3S_OUTSIDE, lib.OSM3S_BORDER, lib.OSM3S_INSIDE

Line = list[Position]


def locate(lines: list[Line], p: Position, half_unit: bool = False) -> int:
    """Count the edges that the meridian south of p crosses. An edge that reaches from beyond 90 degrees west to beyond
    90 degrees east is not expected. `half_unit`: what is that near to an edge is on it."""
    inside = False
    for line in lines:
        for a, b in pairwise(line):
            west, east = sorted((a, b), key=lambda end: end[1])
            if not west[1] <= p[1] <= east[1]:
                continue
            run = east[1] - west[1]
            if run == 0:
                if min(a[0], b[0]) <= p[0] <= max(a[0], b[0]):
                    return BORDER
                continue
            above = (p[0] - west[0]) * run - (east[0] - west[0]) * (p[1] - west[1])
            if above == 0 or (half_unit and 2 * abs(above) < run):
                return BORDER
            inside ^= above > 0 and p[1] < east[1]
    return INSIDE if inside else OUTSIDE


SPREADS = st.sampled_from([3, 40, 90_000, 3_000_000, 80_000_000])
PLACES = SPREADS.map(lambda spread: near(510_000_000, 70_000_000, spread))


def rings(places: st.SearchStrategy[Position]) -> st.SearchStrategy[Line]:
    return st.lists(places, min_size=3, max_size=8).map(lambda ring: [*ring, ring[0]])


Example = tuple[list[Line], list[Position]]
EXAMPLES = PLACES.flatmap(
    lambda where: st.tuples(st.lists(rings(where), min_size=1, max_size=6), st.lists(where, min_size=1, max_size=20))
)


@given(EXAMPLES)
def test_closed_ways(example: Example) -> None:
    """A position is in the areas if it is in one of them."""
    ways, places = example
    areas = AreaIndex(ways=ways)
    for p in [*places, *ways[0]]:
        found = {locate([way], p, half_unit=True) for way in ways}
        assert areas.contains(p, border=True) == (found != {OUTSIDE})
        assert areas.contains(p, border=False) == (INSIDE in found)


@given(EXAMPLES, st.integers(0, 1000))
def test_lines_in_any_order_and_direction(example: Example, seed: int) -> None:
    """All lines make one area, by the even-odd rule; its border is a unit wide at most."""
    rings_, places = example
    shuffle = random.Random(seed)
    lines = [line for ring in rings_ for line in (ring[:2], ring[1:])]
    shuffle.shuffle(lines)
    areas = AreaIndex(areas=[[line[:: shuffle.choice((1, -1))] for line in lines]])
    for p in places:
        exact = locate(rings_, p)
        if exact == BORDER:
            assert areas.contains(p, border=True)
            assert not areas.contains(p, border=False)
        elif not is_next_to_edge(rings_, p):
            assert areas.contains(p) == areas.contains(p, border=False) == (exact == INSIDE)


def is_next_to_edge(lines: list[Line], p: Position) -> bool:
    """Whether an edge is less than a unit south or north of a position."""
    for line in lines:
        for a, b in pairwise(line):
            west, east = sorted((a, b), key=lambda end: end[1])
            run = east[1] - west[1]
            if (
                west[1] <= p[1] <= east[1]
                and abs((p[0] - west[0]) * run - (east[0] - west[0]) * (p[1] - west[1])) < run
            ):
                return True
    return False


@given(EXAMPLES, PLACES.flatmap(lambda where: st.tuples(where, where)))
def test_classify(example: Example, corners: tuple[Position, Position]) -> None:
    ways, places = example
    areas = AreaIndex(ways=ways)
    for a, b in [corners, *pairwise(places)]:
        box = Box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
        where = areas.classify(box)
        if where == BORDER:
            continue
        inside_box = [p for p in (*places, *ways[0], a, b, (a[0], b[1]), (b[0], a[1])) if box.holds(*p)]
        for p in inside_box:
            found = {locate([way], p) for way in ways}
            assert (INSIDE in found) if where == INSIDE else found == {OUTSIDE}


def test_far_from_borders_cells_decide() -> None:
    """What lies well inside or outside is decided without looking at edges, whatever the number of edges."""
    ring = [(round(1e7 * (50 + 2 * y)), round(1e7 * (10 + 2 * x))) for x, y in _circle(20_000)]
    areas = AreaIndex(ways=[ring])
    assert areas.classify(Box(490_000_000, 90_000_000, 510_000_000, 110_000_000)) == INSIDE
    assert areas.classify(Box(480_000_000, 80_000_000, 480_100_000, 80_100_000)) == OUTSIDE
    assert areas.classify(Box(500_000_000, 100_000_000, 530_000_000, 110_000_000)) == BORDER


def _circle(n: int) -> list[tuple[float, float]]:
    return [(math.cos(2 * math.pi * i / n), math.sin(2 * math.pi * i / n)) for i in range(n)] + [(1.0, 0.0)]


# --- ways -------------------------------------------------------------------------------------------------------------

SQUARE: Line = [
    (500_000_000, 100_000_000),
    (500_000_000, 100_010_000),
    (500_010_000, 100_010_000),
    (500_010_000, 100_000_000),
]
SQUARE = [*SQUARE, SQUARE[0]]


def moved(way: Line, lat: int, lon: int) -> Line:
    return [(p[0] + lat, p[1] + lon) for p in way]


@pytest.mark.parametrize(
    ("way", "inside"),
    [
        (SQUARE, False),  # its own outline
        (SQUARE[:2], False),  # along an edge
        (moved(SQUARE, 10_000, 0), False),  # a neighbour
        (moved(SQUARE, 5_000, 0), True),
        ([(500_005_000, 99_990_000), (500_005_000, 100_020_000)], True),  # right across
        ([(500_000_000, 100_000_000), (500_010_000, 100_010_000)], True),  # the diagonal
        ([(499_990_000, 100_010_000), (500_010_000, 99_990_000)], False),  # touches a corner
        ([(500_005_000, 100_010_000), (500_005_000, 100_020_000)], False),  # touches an edge
        ([(500_005_000, 100_005_000), UNKNOWN], True),
        ([(499_990_000, 100_005_000), UNKNOWN, (500_020_000, 100_005_000)], False),  # the gap is no segment
        ([], False),
    ],
)
def test_ways_and_a_square(way: Line, inside: bool) -> None:
    assert AreaIndex(ways=[SQUARE]).meets_way(way) == inside
    far_away = [moved(SQUARE, 100_000 * i, 0) for i in range(3, 300)]
    assert AreaIndex(ways=[*far_away, SQUARE]).meets_way(way) == inside
    # Of areas of the rules the reference overlooks ways that also run along the border.
    assert inside or not AreaIndex(areas=[[SQUARE]]).meets_way(way)


def test_ways_beside_shapely() -> None:
    """Ways that are clearly inside or outside of random polygons with holes."""
    shapely = pytest.importorskip("shapely")
    draw = random.Random(8)
    decided = 0
    for _ in range(300):
        ring = [(500_000_000 + draw.randrange(10**6), 100_000_000 + draw.randrange(10**6)) for _ in range(5)]
        polygon = shapely.Polygon(ring)
        if not polygon.is_valid:
            continue
        closed_way, stored = AreaIndex(ways=[[*ring, ring[0]]]), AreaIndex(areas=[[[*ring, ring[0]]]])
        for _ in range(20):
            way = [(500_000_000 + draw.randrange(10**6), 100_000_000 + draw.randrange(10**6)) for _ in range(2)]
            line = shapely.LineString(way)
            part_m = polygon.buffer(-5).intersection(line).length
            if part_m > 0 or not polygon.buffer(5).intersects(line):
                decided += 1
                assert closed_way.meets_way(way) == stored.meets_way(way) == (part_m > 0)
    assert decided > 1000


# --- antimeridian and poles -------------------------------------------------------------------------------------------


def test_antimeridian() -> None:
    ring = [(0, 1_799_000_000), (0, -1_799_000_000), (10_000_000, -1_799_000_000), (10_000_000, 1_799_000_000)]
    for areas in (AreaIndex(ways=[[*ring, ring[0]]]), AreaIndex(areas=[[[*ring, ring[0]]]])):
        for lon in (1_799_500_000, LON_180, -LON_180, -1_799_500_000):
            assert areas.contains((5_000_000, lon))
            assert not areas.contains((11_000_000, lon))
        assert not areas.contains((5_000_000, 0))
        assert areas.meets_way([(5_000_000, 1_790_000_000), (5_000_000, 1_799_500_000)])
        assert not areas.meets_way([(5_000_000, 100), (5_000_000, 1_790_000_000)])


@pytest.mark.parametrize("north", [True, False])
def test_poles(north: bool) -> None:
    """An area around a pole contains it."""
    lat = 700_000_000 if north else -700_000_000
    ring = [(lat, lon) for lon in range(-1_700_000_000, 1_800_000_000, 200_000_000)]
    areas = AreaIndex(areas=[[[*ring, ring[0]]]])
    sign = 1 if north else -1
    assert areas.contains((sign * LAT_90, 0))
    assert areas.contains((sign * 850_000_000, LON_180))
    assert not areas.contains((sign * 600_000_000, 0))
    assert not areas.contains((-sign * 850_000_000, 0))
    assert areas.meets_way([(sign * 800_000_000, 0), (sign * 800_000_000, 100)])


def test_an_edge_along_the_antimeridian() -> None:
    """From 180 degrees east to 180 degrees west."""
    ring = [(0, 1_799_000_000), (0, LON_180), (5_000_000, -LON_180), (0, -1_799_000_000)]
    ring += [(10_000_000, -1_799_000_000), (10_000_000, LON_180), (10_000_000, 1_799_000_000)]
    for areas in (AreaIndex(ways=[[*ring, ring[0]]]), AreaIndex(areas=[[[*ring, ring[0]]]])):
        for lon in (1_799_500_000, LON_180, -LON_180, -1_799_500_000):
            assert areas.contains((7_500_000, lon))
            assert not areas.contains((11_000_000, lon))
        assert areas.contains((2_000_000, 1_799_999_999)) and not areas.contains((2_000_000, -1_799_999_999))
        for lon in (LON_180, -LON_180):
            assert areas.contains((2_000_000, lon)) and not areas.contains((2_000_000, lon), border=False)
        assert areas.meets_way([(7_500_000, -LON_180), (7_500_000, LON_180)])
        assert not areas.meets_way([(12_500_000, -LON_180), (11_000_000, LON_180)])


@pytest.mark.parametrize("north", [True, False])
def test_an_area_that_is_closed_along_a_pole(north: bool) -> None:
    """As maps in a plane have it: from 180 degrees west to 180 degrees east, and back along the pole."""
    sign = 1 if north else -1
    line = [(sign * 700_000_000, lon) for lon in range(-LON_180, LON_180 + 1, 300_000_000)]
    for back in ([LON_180, -LON_180], range(LON_180, -LON_180 - 1, -600_000_000)):
        ring = [*line, *((sign * LAT_90, lon) for lon in back), line[0]]
        areas = AreaIndex(areas=[[ring]])
        for lon in (0, 50, LON_180, -LON_180):
            assert areas.contains((sign * 850_000_000, lon)), lon
            assert not areas.contains((sign * 600_000_000, lon)), lon
            assert not areas.contains((-sign * 850_000_000, lon)), lon
        assert areas.meets_way([(sign * 800_000_000, -1_799_000_000), (sign * 800_000_000, 1_799_000_000)])


def test_nothing() -> None:
    for areas in (AreaIndex(), AreaIndex(ways=[[]]), AreaIndex(ways=[[UNKNOWN, UNKNOWN]]), AreaIndex(areas=[[]])):
        assert not areas.contains((0, 0))
        assert not areas.meets_way([(0, 0), (1, 1)])
        assert areas.classify(Box(-LAT_90, -LON_180, LAT_90, LON_180)) == OUTSIDE


# --- limits -----------------------------------------------------------------------------------------------------------

COMB = [(tooth * 100, lon) for tooth in range(10_000) for lon in ((0, 9_000_000) if tooth % 2 else (9_000_000, 0))]


def test_memory_is_counted_and_bounded() -> None:
    """As areas are added, and again when they are prepared."""
    context = ffi.new("osm3s_context *")
    n_bytes = lib.osm3s_area_index_bytes(AreaIndex(ways=[COMB], context=context).handle)
    assert n_bytes == context.used_bytes > len(COMB) * 16
    for share in (0.01, 0.5, 0.99):
        with pytest.raises(QueryOutOfMemory):
            AreaIndex(ways=[COMB], context=ffi.new("osm3s_context *", {"max_bytes": int(share * n_bytes)}))
    with pytest.raises(QueryOutOfMemory):
        AreaIndex(ways=[COMB], context=ffi.new("osm3s_context *", {"max_bytes": n_bytes, "used_bytes": 1000}))
    AreaIndex(ways=[COMB], context=ffi.new("osm3s_context *", {"max_bytes": n_bytes}))


def test_preparing_ends_when_time_is_up() -> None:
    """However few areas there are."""
    context = ffi.new("osm3s_context *", {"deadline_ns": 1, "countdown": 10})
    with pytest.raises(QueryTimeout):
        AreaIndex(ways=[COMB], context=context)
