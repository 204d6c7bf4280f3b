"""Hull, trace and polygon: properties that hold for any input."""

from __future__ import annotations

import math
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from osm3s.eval.evaluators.great_circle import STEP_DEGREES, interpolated
from osm3s.eval.evaluators.hull import hull_of
from osm3s.eval.evaluators.rings import oriented_rings
from osm3s.eval.evaluators.trace import trace_of
from osm3s.eval.limits import Limits
from osm3s.output.derived import Collection, Line, Point, Polygon, Position

EXECUTION: Any = SimpleNamespace(limits=Limits(), check_limits=lambda: None)
NEAR = st.integers(0, 40).map(lambda n: round(n * 1e-4, 7))
POSITIONS = st.tuples(NEAR, NEAR)
LINES = st.lists(st.lists(POSITIONS, min_size=2, max_size=6, unique=True), min_size=1, max_size=5)


def area(ring: list[Position]) -> float:
    """Positive if the ring runs counter-clockwise."""
    return sum(a[1] * b[0] - b[1] * a[0] for a, b in pairwise(ring)) / 2


@given(st.lists(POSITIONS, min_size=3, max_size=30, unique=True))
def test_a_hull_holds_all_positions(positions: list[Position]) -> None:
    hull = hull_of(EXECUTION, Collection([Point(*p) for p in positions]))
    if isinstance(hull, Line):  # all on one line
        return
    assert isinstance(hull, Polygon) and len(hull.rings) == 1
    ring = hull.rings[0]
    assert ring[0] == ring[-1] and set(ring) <= set(positions) and area(ring) > 0
    for (lat_a, lon_a), (lat_b, lon_b) in pairwise(ring):
        for lat, lon in positions:
            assert (lon_b - lon_a) * (lat - lat_a) - (lat_b - lat_a) * (lon - lon_a) > -1e-9


@given(LINES)
def test_a_trace_has_each_segment_once(lines: list[list[Position]]) -> None:
    trace = trace_of(Collection([Line(line) for line in lines]))
    assert isinstance(trace, Collection)
    pieces = [part.positions for part in trace.parts if isinstance(part, Line)]
    wanted = {frozenset(pair) for line in lines for pair in pairwise(line)}
    assert {frozenset(pair) for piece in pieces for pair in pairwise(piece)} == wanted
    assert len(pieces) == len({min(tuple(p), tuple(p[::-1])) for p in pieces})


def crossings(ring: list[Position], lat: float, lon: float) -> tuple[int, int]:
    """How often a ring passes south of a place: in all, and eastwards less westwards."""
    total = signed = 0
    for (lat_a, lon_a), (lat_b, lon_b) in pairwise(ring):
        if (lon_a <= lon) != (lon_b <= lon) and lat_a + (lat_b - lat_a) * (lon - lon_a) / (lon_b - lon_a) < lat:
            total += 1
            signed += 1 if lon_b > lon_a else -1
    return total, signed


def apart(ring: list[Position], lat: float, lon: float) -> bool:
    """Whether a place is not near any edge's line."""
    return all(
        abs((b[1] - a[1]) * (lat - a[0]) - (b[0] - a[0]) * (lon - a[1])) > 1e-9 for a, b in pairwise(ring) if a != b
    )


@given(LINES, st.lists(st.tuples(st.floats(0, 0.004), st.floats(0, 0.004)), min_size=5, max_size=5))
def test_rings_go_once_around_what_is_inside(lines: list[list[Position]], places: list[Position]) -> None:
    closed = [[*line, line[0]] for line in lines if len(line) > 2]
    assume(closed)
    rings = oriented_rings(closed, lambda: None)
    assert all(ring[0] == ring[-1] and len(ring) > 3 for ring in rings)
    for lat, lon in places:
        if all(apart(ring, lat, lon) for ring in [*closed, *rings]):
            inside = sum(crossings(line, lat, lon)[0] for line in closed) % 2
            assert sum(crossings(ring, lat, lon)[0] for ring in rings) % 2 == inside


@given(st.lists(POSITIONS, min_size=3, max_size=3, unique=True))
def test_the_inside_is_on_the_left(corners: list[Position]) -> None:
    line = [*corners, corners[0]]
    assume(abs(area(line)) > 1e-10)
    (ring,) = oriented_rings([line], lambda: None)
    assert area(ring) > 0


def test_a_square_with_a_hole() -> None:
    outer = [(0.0, 0.0), (0.0, 0.004), (0.004, 0.004), (0.004, 0.0), (0.0, 0.0)]
    inner = [(0.001, 0.001), (0.001, 0.002), (0.002, 0.002), (0.002, 0.001), (0.001, 0.001)]
    rings = oriented_rings([outer[::-1], inner], lambda: None)
    assert [round(math.copysign(1, area(ring))) for ring in rings] == [1, -1]


@given(
    st.floats(-80, 80), st.floats(-170, 170), st.floats(-0.2, 0.2).filter(lambda d: abs(d) > 1e-4), st.floats(-0.2, 0.2)
)
def test_interpolated_edges_have_short_pieces(lat: float, lon: float, height: float, width: float) -> None:
    start, end = (lat, lon), (lat + height, lon + width)
    positions = [start, *interpolated(start, end)]
    assert positions[-1] == end
    for a, b in pairwise(positions):
        assert abs(a[0] - b[0]) <= STEP_DEGREES + 1e-9
        assert abs(a[1] - b[1]) <= 2 * STEP_DEGREES


def test_checks_of_limits_come_through() -> None:
    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        oriented_rings([[(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)]], stop)
