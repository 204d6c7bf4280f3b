"""Boxes against a clipping of segments in fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from geometry import (
    ANYWHERE,
    LON_180,
    LON_360,
    NEIGHBOURHOODS,
    UNKNOWN,
    Box,
    Position,
    c_box,
    from_c,
    way_bounds,
    way_box,
    way_meets_bbox,
)
from hypothesis import given
from hypothesis import strategies as st

from osm3s.ffi import ffi, lib


def clip(a: Position, b: Position, box: Box) -> bool:
    """Is there t in [0, 1] with a + t (b - a) in the box."""
    low, high = Fraction(0), Fraction(1)
    for start, end, least, most in ((a[0], b[0], box.south, box.north), (a[1], b[1], box.west, box.east)):
        step = end - start
        if step == 0:
            if not least <= start <= most:
                return False
            continue
        t = sorted((Fraction(least - start, step), Fraction(most - start, step)))
        low, high = max(low, t[0]), min(high, t[1])
    return low <= high


def oracle(way: list[Position], box: Box) -> bool:
    parts = [box] if box.west <= box.east else [box._replace(east=LON_180), box._replace(west=-LON_180)]
    for a, b in pairwise(way):
        if UNKNOWN in (a, b):
            continue
        shifts = [0]
        if abs(a[1] - b[1]) > LON_180:
            a, b = ((p[0], p[1] + LON_360 if p[1] < 0 else p[1]) for p in (a, b))
            shifts = [0, LON_360]
        for part in parts:
            for shift in shifts:
                if clip(a, b, part._replace(west=part.west + shift, east=part.east + shift)):
                    return True
    return any(part.holds(*node) for node in way if node != UNKNOWN for part in parts)


@st.composite
def way_and_box(draw: st.DrawFn) -> tuple[list[Position], Box]:
    where = draw(NEIGHBOURHOODS)
    way = draw(st.lists(where | st.just(UNKNOWN), max_size=5))
    a, b = draw(where), draw(where)
    return way, Box(min(a[0], b[0]), a[1], max(a[0], b[0]), b[1])


@given(way_and_box())
def test_way_meets_bbox(example: tuple[list[Position], Box]) -> None:
    assert way_meets_bbox(*example) == oracle(*example)


@given(ANYWHERE, ANYWHERE, ANYWHERE, ANYWHERE)
def test_way_meets_bbox_anywhere(p: Position, q: Position, a: Position, b: Position) -> None:
    box = Box(min(a[0], b[0]), a[1], max(a[0], b[0]), b[1])
    assert way_meets_bbox([p, q], box) == oracle([p, q], box)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ([(0, 0), (10, 10)], True),
        ([(0, 10), (10, 0)], True),
        ([(0, 9), (9, 0)], False),  # passes the corner (5, 5) outside
        ([(0, 10), (10, 0), (20, 0)], True),  # through the corner
        ([(5, 0), (5, 20)], True),  # along the border
        ([(4, 0), (4, 20)], False),
        ([(5, 5)], True),
        ([(4, 5)], False),
        ([(0, 0), (0, 20), (20, 20), (20, 0), (0, 0)], False),  # the box is inside of the ring
        ([(0, 0), UNKNOWN, (20, 20)], False),  # no segment
        ([UNKNOWN, (7, 7), UNKNOWN], True),
        ([], False),
    ],
)
def test_small_box(way: list[Position], expected: bool) -> None:
    assert way_meets_bbox(way, Box(5, 5, 15, 15)) == expected


def test_box_of_all_but_one_longitude() -> None:
    way = [(509999999, -1799999998), (510000002, 1799999999)]
    assert way_meets_bbox(way, Box(510000000, -1799999999, 510000000, -1800000000))


def test_segment_over_the_antimeridian() -> None:
    way = [(0, LON_180 - 10), (10, -LON_180 + 10)]
    assert way_meets_bbox(way, Box(0, LON_180 - 5, 10, -LON_180 + 5))
    assert way_meets_bbox(way, Box(0, LON_180 - 5, 10, LON_180))
    assert way_meets_bbox(way, Box(0, -LON_180, 10, -LON_180 + 5))
    assert not way_meets_bbox(way, Box(0, -LON_180 + 11, 10, LON_180 - 11))
    assert way_box(way) == (0, -LON_180, 10, LON_180)
    assert way_bounds(way) == (0, LON_180 - 10, 10, -LON_180 + 10)


@given(ANYWHERE, ANYWHERE, ANYWHERE, ANYWHERE, st.lists(ANYWHERE, max_size=3))
def test_boxes(a: Position, b: Position, c: Position, d: Position, points: list[Position]) -> None:
    first = Box(min(a[0], b[0]), a[1], max(a[0], b[0]), b[1])
    second = Box(min(c[0], d[0]), c[1], max(c[0], d[0]), d[1])
    meets = bool(lib.osm3s_bbox_meets(c_box(first), c_box(second)))
    assert meets == bool(lib.osm3s_bbox_meets(c_box(second), c_box(first)))
    corners = [(lat, lon) for box in (first, second) for lat in (box.south, box.north) for lon in (box.west, box.east)]
    in_both = [all(lib.osm3s_bbox_contains(c_box(box), *p) for box in (first, second)) for p in [*points, *corners]]
    common_lat = max(first.south, second.south) <= min(first.north, second.north)
    lons = {lon for box in (first, second) for lon in (box.west, box.east)}
    flat_first, flat_second = first._replace(south=0, north=0), second._replace(south=0, north=0)
    common_lon = any(
        lib.osm3s_bbox_contains(c_box(flat_first), 0, lon) and lib.osm3s_bbox_contains(c_box(flat_second), 0, lon)
        for lon in lons
    )
    assert meets == (common_lat and common_lon)
    assert meets or not any(in_both)
    if second.west <= second.east and lib.osm3s_bbox_covers(c_box(first), c_box(second)):
        assert all(lib.osm3s_bbox_contains(c_box(first), *p) for p in points if second.holds(*p))


@given(NEIGHBOURHOODS.flatmap(lambda where: st.lists(where | st.just(UNKNOWN), max_size=5)))
def test_bounds(way: list[Position]) -> None:
    known = [p for p in way if p != UNKNOWN]
    bounds, box = way_bounds(way), way_box(way)
    if not known:
        assert bounds.south > bounds.north and box.south > box.north
        return
    lats, lons = [p[0] for p in known], [p[1] for p in known]
    plain = Box(min(lats), min(lons), max(lats), max(lons))
    assert all(box.holds(*p) for p in known)
    assert all(lib.osm3s_bbox_contains(c_box(bounds), *p) for p in known)
    if plain.east - plain.west <= LON_180:
        assert bounds == box == plain
    elif bounds.west > bounds.east:
        assert bounds.east + LON_360 - bounds.west < LON_180
    else:
        assert (bounds.west, bounds.east) == (-LON_180, LON_180)


def bounds_of_members(parts: list[Box]) -> Box:
    members = ffi.new("osm3s_bbox[]", len(parts))
    for i, part in enumerate(parts):
        members[i] = c_box(part)
    return from_c(lib.osm3s_bounds_of_members(members, len(parts)))


def test_bounds_of_members() -> None:
    assert bounds_of_members([Box(1, 1, 2, 2), Box(3, -5, 4, 0), Box(1, 0, 0, 0)]) == (1, -5, 4, 2)
    fiji = Box(0, LON_180 - 9, 1, -LON_180 + 9)
    assert bounds_of_members([fiji, Box(2, -LON_180 + 20, 3, -LON_180 + 30)]) == (0, LON_180 - 9, 3, -LON_180 + 30)
    assert bounds_of_members([fiji, Box(0, -5, 0, 5)]) == (0, -LON_180, 1, LON_180)
    assert bounds_of_members([]).south > bounds_of_members([]).north


def test_center() -> None:
    lat, lon = ffi.new("double *"), ffi.new("double *")
    lib.osm3s_center_of_bounds(c_box(Box(510_000_000, 70_000_000, 510_100_000, 70_100_000)), lat, lon)
    assert (f"{lat[0]:.7f}", f"{lon[0]:.7f}") == ("51.0050000", "7.0050000")
    lib.osm3s_center_of_bounds(c_box(Box(0, 1_790_000_000, 0, -1_770_000_000)), lat, lon)
    assert lon[0] == pytest.approx(-179)


@given(ANYWHERE)
def test_degrees_are_rounded_to_the_nearest_unit(position: Position) -> None:
    assert lib.osm3s_e7_of_lat(float(f"{position[0] / 1e7:.7f}")) == position[0]
    assert lib.osm3s_e7_of_lon(float(f"{position[1] / 1e7:.7f}")) == position[1]
