"""`around` against the same formulae applied to every pair, and against the haversine formula."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from geometry import CENTERS, NEIGHBOURHOODS, UNKNOWN, Around, Box, Position, way_box
from hypothesis import assume, given
from hypothesis import strategies as st

from osm3s.ffi import lib

Vector = tuple[float, float, float]
QUARTER = math.acos(0)
METRES = 10_000_000 / QUARTER


def degrees(p: Position) -> tuple[float, float]:
    return (p[0] + 910_000_000) / 1e7 - 91.0, p[1] / 1e7


def vector(p: Position) -> Vector:
    lat, lon = degrees(p)
    c = math.cos(lat / 90.0 * QUARTER)
    return math.sin(lat / 90.0 * QUARTER), c * math.sin(lon / 90.0 * QUARTER), c * math.cos(lon / 90.0 * QUARTER)


def dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def distance(p: Position, q: Position) -> float:
    return float(lib.osm3s_distance_m(*degrees(p), *degrees(q)))


def haversine(p: Position, q: Position) -> float:
    (lat_p, lon_p), (lat_q, lon_q) = ((math.radians(c) for c in degrees(x)) for x in (p, q))
    h = math.sin((lat_q - lat_p) / 2) ** 2 + math.cos(lat_p) * math.cos(lat_q) * math.sin((lon_q - lon_p) / 2) ** 2
    return 2 * math.asin(min(1, math.sqrt(h))) * METRES


def point_in_range(a: Position, p: Position, radius_m: float) -> bool:
    same = abs(degrees(a)[0] - degrees(p)[0]) < 1e-7 and abs(degrees(a)[1] - degrees(p)[1]) < 1e-7
    return same or (radius_m > 0 and distance(a, p) <= radius_m)


def beside(a: Position, b: Position, p: Position, radius_m: float) -> bool:
    norm = cross(vector(a), vector(b))
    size = math.sqrt(dot(norm, norm))
    if size == 0:
        return False
    if not math.asin(min(1, abs(dot(vector(p), norm)) / size)) * METRES <= radius_m:
        return False
    limit = math.sqrt(distance(a, b) ** 2 + radius_m**2)
    return distance(p, a) <= limit and distance(p, b) <= limit


def arcs_cross(a: Position, b: Position, c: Position, d: Position) -> bool:
    at = cross(cross(vector(a), vector(b)), cross(vector(c), vector(d)))
    size = math.sqrt(dot(at, at))
    if size == 0:
        return False
    scale = 1.0 / size
    at = (at[0] * scale, at[1] * scale, at[2] * scale)
    for p, q in ((vector(a), vector(b)), (vector(c), vector(d))):
        middle = p[0] + q[0], p[1] + q[1], p[2] + q[2]
        if not abs(dot(middle, at)) >= dot(middle, p):
            return False
    return True


def segments(way: list[Position]) -> list[tuple[Position, Position]]:
    return [(a, b) for a, b in pairwise(way) if UNKNOWN not in (a, b)]


def contains(inputs: list[list[Position]], p: Position, radius_m: float) -> bool:
    return any(point_in_range(a, p, radius_m) for way in inputs for a in way if a != UNKNOWN) or any(
        beside(a, b, p, radius_m) for way in inputs for a, b in segments(way)
    )


def meets_way(inputs: list[list[Position]], way: list[Position], radius_m: float) -> bool:
    if any(contains(inputs, p, radius_m) for p in way if p != UNKNOWN):
        return True
    points = [p for line in inputs for p in line if p != UNKNOWN]
    arcs = [arc for line in inputs for arc in segments(line)]
    return any(
        any(beside(a, b, p, radius_m) for p in points) or any(arcs_cross(*arc, a, b) for arc in arcs)
        for a, b in segments(way)
    )


Example = tuple[float, list[list[Position]], list[Position]]


@st.composite
def examples(draw: st.DrawFn) -> Example:
    where = draw(NEIGHBOURHOODS)
    line = st.lists(where | st.just(UNKNOWN), min_size=1, max_size=4)
    inputs = draw(st.lists(line, min_size=1, max_size=6))
    way = draw(line)
    known = [p for p in way if p != UNKNOWN] + [p for p in inputs[0] if p != UNKNOWN]
    some = distance(known[0], known[-1]) if known else 0.0
    factor = draw(st.sampled_from([0, 0.03, 0.3, 0.9999999, 1, 1.0000001, 2]))
    radius_m = some * factor if math.isfinite(some) else 1000.0
    return radius_m, inputs, way


@given(examples())
def test_every_pair(example: Example) -> None:
    radius_m, inputs, way = example
    around = Around(radius_m, inputs)
    boxes = around.boxes()
    for p in [*way, *(p for line in inputs for p in line)]:
        if p == UNKNOWN:
            continue
        inside = contains(inputs, p, radius_m)
        assert around.contains(p) == inside
        if inside:
            assert around.may_meet(Box(*p, *p))
            assert any(box.holds(*p) for box in boxes)
    meets = meets_way(inputs, way, radius_m)
    assert around.meets_way(way) == meets
    assert around.may_meet(way_box(way)) or not meets


@given(examples())
def test_points_by_haversine(example: Example) -> None:
    """Away from the edge of the circle, any formula gives the same answer."""
    radius_m, inputs, way = example
    points = [p for line in inputs for p in line if p != UNKNOWN]
    around = Around(radius_m, [[p] for p in points])
    for p in way:
        if p == UNKNOWN:
            continue
        nearest = min((haversine(a, p) for a in points), default=math.inf)
        assume(abs(nearest - radius_m) > 0.3 and nearest < 19_900_000)
        assert around.contains(p) == (nearest < radius_m)


@given(st.sampled_from(CENTERS), st.floats(1, 300_000), st.floats(0, 2 * math.pi), st.floats(0, 0.999))
def test_circle(center: Position, radius_m: float, bearing: float, part: float) -> None:
    """Walk from the centre in some direction: over poles and the antimeridian, everything short of the radius is in."""
    lat, lon = (math.radians(c) for c in degrees(center))
    d = radius_m * part / METRES
    to_lat = math.asin(math.sin(lat) * math.cos(d) + math.cos(lat) * math.sin(d) * math.cos(bearing))
    to_lon = lon + math.atan2(
        math.sin(bearing) * math.sin(d) * math.cos(lat), math.cos(d) - math.sin(lat) * math.sin(to_lat)
    )
    p = round(math.degrees(to_lat) * 1e7), round(((math.degrees(to_lon) + 180) % 360 - 180) * 1e7)
    assume(haversine(center, p) < radius_m - 0.3)
    around = Around(radius_m, [[center]])
    assert around.contains(p)
    assert any(box.holds(*p) for box in around.boxes())


def test_many_points() -> None:
    """A lattice of 10,000 points 0.01 degree apart: in range are the places near lattice points only."""
    lattice = [[(450_000_000 + 100_000 * y, 100_000 * x)] for y in range(100) for x in range(100)]
    around = Around(100, lattice)
    assert around.contains((450_000_000 + 700_500, 700_500))
    assert not around.contains((450_000_000 + 750_000, 750_000))
    assert not around.may_meet(Box(450_040_000, 40_000, 450_060_000, 60_000))
    assert around.may_meet(Box(450_000_000, 0, 460_000_000, 10_000_000))
    assert around.meets_way([(450_050_000, 50_000), (450_050_000, 50_000 + 300_000)]) is False
    assert around.meets_way([(450_000_500, 50_000), (450_000_500, 50_000 + 300_000)])
    assert all(any(box.holds(*way[0]) for box in around.boxes()) for way in lattice[::97])


@pytest.mark.parametrize(
    ("radius_m", "line", "expected"),
    [
        (1000, [(510_051_000, 70_051_000)], [1, 2, 3, 4, 5]),
        (100, [(510_000_000, 70_000_000), (510_100_000, 70_100_000)], [1, 3, 5]),
        (0, [(510_100_000, 70_100_000)], [3]),
    ],
)
def test_small_data_set(radius_m: float, line: list[Position], expected: list[int]) -> None:
    """Appendix A of the language specification, state S2."""
    nodes = {
        1: (510_000_000, 70_000_000),
        2: (510_000_000, 70_100_000),
        3: (510_100_000, 70_100_000),
        4: (510_100_000, 70_000_000),
        5: (510_051_000, 70_051_000),
        6: (510_200_000, 70_200_000),
        7: (510_310_000, 70_210_000),
        9: (510_500_000, 70_500_000),
    }
    around = Around(radius_m, [line])
    assert [node for node, p in nodes.items() if around.contains(p)] == expected


def test_nothing_given() -> None:
    around = Around(1000, [[UNKNOWN]])
    assert around.boxes() == []
    assert not around.contains((0, 0))
    assert not around.meets_way([(0, 0), (1, 1)])
