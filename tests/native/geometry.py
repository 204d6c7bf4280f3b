"""The native geometry functions as plain Python calls, and positions for hypothesis to draw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from osm3s.ffi import check, ffi, lib

Position = tuple[int, int]
"""lat, lon in 1e-7 degree."""

UNKNOWN: Position = (lib.OSM3S_NO_COORD, 0)
LAT_90, LON_180, LON_360 = 900_000_000, 1_800_000_000, 3_600_000_000


class Box(NamedTuple):
    south: int
    west: int
    north: int
    east: int

    def holds(self, lat: int, lon: int) -> bool:
        return self.south <= lat <= self.north and self.west <= lon <= self.east


def flat(positions: Iterable[Position]) -> Any:
    return ffi.new("int32_t[]", [c for position in positions for c in position])


def c_box(box: Box) -> Any:
    return ffi.new("osm3s_bbox *", tuple(box))[0]


def from_c(box: Any) -> Box:
    return Box(box.south, box.west, box.north, box.east)


def way_box(way: Sequence[Position]) -> Box:
    out = ffi.new("osm3s_bbox *")
    check(lib.osm3s_bbox_of_way(flat(way), len(way), out))
    return from_c(out[0])


def way_bounds(way: Sequence[Position]) -> Box:
    out = ffi.new("osm3s_bbox *")
    check(lib.osm3s_bounds_of_way(flat(way), len(way), out))
    return from_c(out[0])


def way_meets_bbox(way: Sequence[Position], box: Box) -> bool:
    return bool(check(lib.osm3s_way_meets_bbox(flat(way), len(way), c_box(box))))


class Poly:
    def __init__(self, vertices: Iterable[Position]) -> None:
        degrees = [c / 1e7 for vertex in vertices for c in vertex]
        self.handle = ffi.gc(lib.osm3s_poly_new(degrees, len(degrees) // 2), lib.osm3s_poly_free)

    def locate(self, position: Position) -> int:
        return int(lib.osm3s_poly_locate(self.handle, *position))

    def meets_way(self, way: Sequence[Position], border: bool = True) -> bool:
        return bool(check(lib.osm3s_poly_meets_way(self.handle, flat(way), len(way), border)))

    def classify(self, box: Box) -> int:
        return int(lib.osm3s_poly_classify(self.handle, c_box(box)))


class AreaIndex:
    """Areas, each of some lines, and closed ways."""

    def __init__(
        self,
        areas: Iterable[Sequence[Sequence[Position]]] = (),
        ways: Iterable[Sequence[Position]] = (),
        context: Any = ffi.NULL,
    ) -> None:
        self.handle = ffi.gc(lib.osm3s_area_index_new(context), lib.osm3s_area_index_free)
        for lines in areas:
            sizes = ffi.new("uint32_t[]", [len(line) for line in lines])
            points = flat(position for line in lines for position in line)
            check(lib.osm3s_area_index_add_lines(self.handle, points, sizes, len(sizes)))
        for way in ways:
            check(lib.osm3s_area_index_add_way(self.handle, flat(way), len(way)))
        check(lib.osm3s_area_index_prepare(self.handle))

    def contains(self, position: Position, border: bool = True) -> bool:
        return bool(lib.osm3s_area_index_contain(self.handle, *position, border))

    def meets_way(self, way: Sequence[Position]) -> bool:
        return bool(check(lib.osm3s_area_index_meet_way(self.handle, flat(way), len(way))))

    def classify(self, box: Box) -> int:
        return int(lib.osm3s_area_index_classify(self.handle, c_box(box)))


class Around:
    """Lines of positions; one position makes a point."""

    def __init__(self, radius_m: float, ways: Iterable[Sequence[Position]]) -> None:
        self.handle = ffi.gc(lib.osm3s_around_new(radius_m), lib.osm3s_around_free)
        for way in ways:
            check(lib.osm3s_around_add_way(self.handle, flat(way), len(way)))
        check(lib.osm3s_around_prepare(self.handle))

    def contains(self, position: Position) -> bool:
        return bool(lib.osm3s_around_contains(self.handle, *position))

    def meets_way(self, way: Sequence[Position]) -> bool:
        return bool(check(lib.osm3s_around_meets_way(self.handle, flat(way), len(way))))

    def may_meet(self, box: Box) -> bool:
        return bool(lib.osm3s_around_may_meet(self.handle, c_box(box)))

    def boxes(self) -> list[Box]:
        room = 1 << 14
        out, n = ffi.new("osm3s_bbox[]", room), ffi.new("size_t *")
        check(lib.osm3s_around_boxes(self.handle, out, room, n))
        assert n[0] <= room
        return [from_c(out[i]) for i in range(n[0])]


def near(lat: int, lon: int, spread: int) -> st.SearchStrategy[Position]:
    """Positions at most `spread` away, over the antimeridian if need be."""

    def clamp(offset: Position) -> Position:
        x = lon + offset[1]
        x = x - LON_360 if x > LON_180 else x + LON_360 if x < -LON_180 else x
        return max(-LAT_90, min(LAT_90, lat + offset[0])), x

    return st.tuples(st.integers(-spread, spread), st.integers(-spread, spread)).map(clamp)


CENTERS: list[Position] = [
    (510_000_000, 70_000_000),
    (0, 0),
    (-170_000_000, LON_180),
    (LAT_90, 0),
    (-LAT_90, -LON_180),
    (650_000_000, -1_799_999_990),
    (-10_000_000, 899_999_999),
]

NEIGHBOURHOODS = st.builds(
    near,
    st.sampled_from([c[0] for c in CENTERS]),
    st.sampled_from([c[1] for c in CENTERS]),
    st.sampled_from([3, 40, 70_000, 1_500_000, 60_000_000, 900_000_000]),
)
"""Strategies: where and how far apart the positions of one example are."""

ANYWHERE = st.tuples(st.integers(-LAT_90, LAT_90), st.integers(-LON_180, LON_180))
