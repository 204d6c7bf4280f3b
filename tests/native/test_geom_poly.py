"""Polygons against even-odd counting in Python integers, along the other axis than the native code counts."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from itertools import pairwise

import pytest
from geometry import LON_180, UNKNOWN, Box, Poly, Position, near
from hypothesis import given
from hypothesis import strategies as st

from osm3s.ffi import lib

OUTSIDE, BORDER, INSIDE = lib.OSM3S_OUTSIDE, lib.OSM3S_BORDER, lib.OSM3S_INSIDE


def cross(a: Position, b: Position, p: Position) -> int:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def on_segment(a: Position, b: Position, p: Position) -> bool:
    between = min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])
    return between and cross(a, b, p) == 0


def oracle(ring: list[Position], p: Position) -> int:
    """For polygons away from the antimeridian: count the edges that a parallel crosses west of p."""
    inside = False
    for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
        if on_segment(a, b, p):
            return BORDER
        if (a[0] > p[0]) != (b[0] > p[0]):
            low, high = (a, b) if a[0] < b[0] else (b, a)
            inside ^= cross(low, high, p) > 0
    return INSIDE if inside else OUTSIDE


def on_rounded(a: Position, b: Position, p: Position) -> bool:
    """Whether p is on an edge whose latitude at each longitude is the next whole one towards that of its end."""
    if a[1] == b[1] or not min(a[1], b[1]) <= p[1] <= max(a[1], b[1]):
        return on_segment(a, b, p)
    lat = a[0] + Fraction((b[0] - a[0]) * (p[1] - a[1]), b[1] - a[1])
    return p[0] == (math.ceil(lat) if b[0] >= a[0] else math.floor(lat))


SPREADS = st.sampled_from([3, 40, 90_000, 3_000_000, 80_000_000])
PLACES = SPREADS.map(lambda spread: near(510_000_000, 70_000_000, spread))


def rings(places: st.SearchStrategy[Position], most: int = 12) -> st.SearchStrategy[list[Position]]:
    return st.lists(places, min_size=3, max_size=most)


@given(PLACES.flatmap(lambda where: st.tuples(rings(where), st.lists(where, min_size=1, max_size=20))))
def test_locate(example: tuple[list[Position], list[Position]]) -> None:
    ring, places = example
    poly = Poly(ring)
    for p in [*places, *ring]:
        on_border = any(on_rounded(a, b, p) for a, b in zip(ring, ring[1:] + ring[:1], strict=True))
        assert poly.locate(p) == (BORDER if on_border else oracle(ring, p))


@given(PLACES.flatmap(lambda where: st.tuples(rings(where), where, where, st.lists(where, max_size=20))))
def test_classify(example: tuple[list[Position], Position, Position, list[Position]]) -> None:
    ring, a, b, places = example
    box = Box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
    where = Poly(ring).classify(box)
    corners = [(lat, lon) for lat in (box.south, box.north) for lon in (box.west, box.east)]
    if where == BORDER:
        # Some edge is within a unit of the box: then a vertex is, or an edge separates two corners or passes one.
        box = Box(box.south - 1, box.west, box.north + 1, box.east)
        corners = [(lat, lon) for lat in (box.south, box.north) for lon in (box.west, box.east)]
        edges = [(p, q) for p, q in zip(ring, ring[1:] + ring[:1], strict=True) if p != q]
        sides = [[cross(p, q, corner) for corner in corners] for p, q in edges]
        assert any(box.holds(*p) for p in ring) or any(min(side) <= 0 <= max(side) for side in sides)
    else:
        inside_box = [p for p in [*corners, *places] if box.holds(*p)]
        assert {oracle(ring, p) for p in inside_box} == {where}
        assert not any(box.holds(*p) for p in ring)


def meets_exactly(ring: list[Position], way: list[Position]) -> bool:
    """A node in the closed polygon, or a segment that has a point in common with its border."""
    if any(oracle(ring, p) != OUTSIDE for p in way if p != UNKNOWN):
        return True
    for a, b in pairwise(way):
        if UNKNOWN in (a, b):
            continue
        for p, q in zip(ring, ring[1:] + ring[:1], strict=True):
            sides = cross(a, b, p), cross(a, b, q), cross(p, q, a), cross(p, q, b)
            if (sides[0] > 0) != (sides[1] > 0) and (sides[2] > 0) != (sides[3] > 0):
                return True
            if on_segment(a, b, p) or on_segment(a, b, q):
                return True
    return False


def corridor(kind: str, rng: random.Random, n: int, east: int) -> list[Position]:
    """A ring of some n vertices whose edges are in few columns of longitude: a border from south to north."""
    south, step, width = 500_000_000, 3000, rng.choice([2, 40, 90_000])
    up = [(south + step * i, east - width + rng.randint(-2, 0) * (kind == "wiggle")) for i in range(n // 2)]
    down = [(lat, east + rng.randint(-2, 0) * (kind == "wiggle")) for lat, _ in reversed(up)]
    if kind == "tangle":
        return [(south + rng.randrange(step * n), east - rng.randint(0, width)) for _ in range(n)]
    if kind == "comb":  # teeth from south to north, side by side
        lons = [east - width * i // (n // 2) for i in range(n // 2)]
        return [(south + step * n * (i % 4 in (1, 2)) + rng.randrange(step), lons[i]) for i in range(n // 2)]
    return [*up, *down, (south - step, east - 80_000_000)]


@pytest.mark.parametrize("kind", ["meridian", "wiggle", "tangle", "comb"])
@pytest.mark.parametrize("east", [70_000_000, LON_180])
def test_crowded_columns(kind: str, east: int) -> None:
    rng = random.Random(f"{kind} {east}")
    for n in (150, 420, 1100):
        ring = corridor(kind, rng, n, east)
        poly, (south, north) = Poly(ring), (min(lat for lat, _ in ring), max(lat for lat, _ in ring))
        edges = list(zip(ring, ring[1:] + ring[:1], strict=True))
        west = sorted(lon for _, lon in ring)[1]
        places = [(rng.randint(south, north), rng.randint(west, east)) for _ in range(30)]
        places += [(lat + rng.randint(-1, 1), lon) for lat, lon in rng.sample(ring, 30)]
        for p in places:
            on_border = any(on_rounded(a, b, p) for a, b in edges)
            expected = BORDER if on_border else oracle(ring, p)
            assert poly.locate(p) == expected
            if poly.classify(Box(p[0] - 1, p[1], p[0] + 1, p[1])) != BORDER:
                assert expected != BORDER
            along = [p, (p[0] + 5000, p[1])]
            if expected == INSIDE or oracle(ring, along[1]) == INSIDE:
                assert poly.meets_way(along)


SMALL = st.sampled_from([90_000, 300_000]).map(lambda spread: near(510_000_000, 70_000_000, spread))


@given(SMALL.flatmap(lambda where: st.tuples(rings(where, 6), st.lists(where | st.just(UNKNOWN), max_size=5))))
def test_way(example: tuple[list[Position], list[Position]]) -> None:
    """The reference overlooks crossings, but invents none, and a node inside always counts. (In one block, where
    nothing is rounded; the answers themselves are compared with the reference in test_geom_reference.py.)"""
    ring, way = example
    poly = Poly(ring)
    inside = any(oracle(ring, p) == INSIDE for p in way if p != UNKNOWN)
    for border in (True, False):
        meets = poly.meets_way(way, border)
        assert meets or not inside
        assert not meets or meets_exactly(ring, way)
    assert poly.meets_way(way, True) or not poly.meets_way(way, False)


SQUARE = [(510_000_000, 70_000_000), (510_000_000, 70_100_000), (510_100_000, 70_100_000), (510_100_000, 70_000_000)]


def test_square() -> None:
    """The polygon of Appendix A of the language specification, with its nodes and ways."""
    poly = Poly(SQUARE)
    assert [poly.locate(p) for p in SQUARE] == [BORDER] * 4
    assert poly.locate((510_050_000, 70_050_000)) == INSIDE
    assert poly.locate((510_200_000, 70_200_000)) == OUTSIDE
    outline = [*SQUARE, SQUARE[0]]
    assert poly.meets_way(outline, border=True)
    assert not poly.meets_way(outline, border=False)
    assert not poly.meets_way([(510_100_000, 70_100_000), (510_200_000, 70_200_000)])
    assert poly.meets_way([SQUARE[0], SQUARE[2]], border=False)  # the diagonal, by its midpoint
    past_a_corner = [(510_050_000, 70_150_000), (510_150_000, 70_050_000)]
    assert not any(poly.meets_way(way, border=False) for way in (past_a_corner, past_a_corner[::-1]))
    across = [(510_049_999, 70_150_000), (510_149_999, 70_050_000)]
    assert all(poly.meets_way(way, border=False) for way in (across, across[::-1]))


def test_over_the_antimeridian() -> None:
    west, east = LON_180 - 1_000_000, -LON_180 + 1_000_000
    poly = Poly([(0, west), (0, east), (2_000_000, east), (2_000_000, west)])
    assert poly.locate((1_000_000, LON_180)) == INSIDE
    assert poly.locate((1_000_000, -LON_180)) == INSIDE
    assert poly.locate((1_000_000, west + 1)) == INSIDE
    assert poly.locate((1_000_000, east)) == BORDER
    assert poly.locate((1_000_000, east + 1)) == OUTSIDE
    assert poly.locate((1_000_000, 0)) == OUTSIDE
    assert poly.meets_way([(1_000_000, LON_180 - 5), (1_000_000, -LON_180 + 5)])
    assert poly.classify(Box(1_000_000, LON_180 - 9, 1_000_009, LON_180)) == INSIDE
    assert poly.classify(Box(1_000_000, 0, 1_000_009, 5)) == OUTSIDE
    assert poly.classify(Box(0, -LON_180, 9, LON_180)) == BORDER


def test_along_the_antimeridian() -> None:
    west, east = LON_180 - 1_000_000, -LON_180 + 1_000_000
    poly = Poly([(0, west), (0, LON_180), (0, -LON_180), (0, east), (9, east), (9, -LON_180), (5, LON_180), (9, west)])
    for lon in (LON_180, -LON_180):
        assert poly.locate((3, lon)) == INSIDE
        assert poly.locate((6, lon)) == BORDER
        assert poly.locate((10, lon)) == OUTSIDE
    assert poly.locate((8, -LON_180 + 1)) == INSIDE
    assert poly.locate((8, LON_180 - 10)) == OUTSIDE
    assert poly.meets_way([(3, LON_180), (3, -LON_180)])
    assert not poly.meets_way([(13, LON_180), (12, -LON_180)])


def test_around_a_pole() -> None:
    cap = Poly([(800_000_000, lon) for lon in (-1_350_000_000, -450_000_000, 450_000_000, 1_350_000_000)])
    assert cap.locate((900_000_000, 0)) == INSIDE
    assert cap.locate((850_000_000, LON_180)) == INSIDE
    assert cap.locate((790_000_000, LON_180)) == OUTSIDE
    assert cap.classify(Box(810_000_000, -LON_180, 900_000_000, LON_180)) == INSIDE


@pytest.mark.parametrize("vertices", [20_000])
def test_many_vertices(vertices: int) -> None:
    """A wild star: long edges, so that columns are shared by many."""
    draw = random.Random(7)
    ring = []
    for i in range(vertices):
        turn, reach = 2 * math.pi * i / vertices, 60_000_000 * (draw.random() + 0.01)
        ring.append((round(reach * math.sin(turn)), round(reach * math.cos(turn))))
    poly = Poly(ring)
    for _ in range(30):
        p = draw.randint(-60_000_000, 60_000_000), draw.randint(-60_000_000, 60_000_000)
        on_border = any(on_rounded(a, b, p) for a, b in zip(ring, ring[1:] + ring[:1], strict=True))
        assert poly.locate(p) == (BORDER if on_border else oracle(ring, p))


@pytest.mark.parametrize("vertices", [1, 3])
def test_no_extent(vertices: int) -> None:
    poly = Poly([(5, 5)] * vertices)
    assert poly.locate((5, 5)) == BORDER
    assert poly.locate((9, 5)) == OUTSIDE
    assert poly.classify(Box(0, 0, 9, 9)) == BORDER
    assert not poly.meets_way([(0, 0), (8, 9)])


def test_no_vertices() -> None:
    poly = Poly([])
    assert poly.locate((5, 5)) == OUTSIDE
    assert poly.classify(Box(0, 0, 9, 9)) == OUTSIDE
    assert not poly.meets_way([(0, 0), (9, 9)])
