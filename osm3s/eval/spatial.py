"""The spatial conditions of a query in the form the core takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from osm3s.eval.limits import Limits
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import NODE, WAY, ElementSet
from osm3s.storage.snapshot import Snapshot

if TYPE_CHECKING:
    from osm3s.output.derived import Position


def lat_e7(lat: float) -> int:
    """1e-7 degree, rounded as the reference rounds positions."""
    return int((lat + 91.0) * 10_000_000 + 0.5) - 910_000_000


def lon_e7(lon: float) -> int:
    return int(lon * 10_000_000 + (0.5 if lon > 0 else -0.5))


class BBox:
    """A closed box; west > east spans the antimeridian."""

    def __init__(self, south: float, west: float, north: float, east: float) -> None:
        self.c = ffi.new("osm3s_bbox *", (lat_e7(south), lon_e7(west), lat_e7(north), lon_e7(east)))

    def boxes(self) -> tuple[Any, int]:
        return self.c, 1

    def meets(self, positions: Sequence[Position]) -> bool:
        """Whether a line of positions, or a single one, touches the box."""
        flat = [number for lat, lon in positions for number in (lat_e7(lat), lon_e7(lon))]
        if len(positions) == 1:
            return bool(lib.osm3s_bbox_contains(self.c[0], *flat))
        return bool(lib.osm3s_way_meets_bbox(ffi.new("int32_t[]", flat), len(positions), self.c[0]))

    @property
    def center(self) -> Position:
        from osm3s.output.derived import Bounds  # here: updates make areas, and dataclasses are slow to import

        box = self.c[0]
        return Bounds(box.south / 1e7, box.west / 1e7, box.north / 1e7, box.east / 1e7).center


class Polygon:
    """A polygon given by a flat list of latitudes and longitudes."""

    def __init__(self, lat_lon: list[float]) -> None:
        handle = lib.osm3s_poly_new(ffi.new("double[]", lat_lon), len(lat_lon) // 2)
        if handle == ffi.NULL:
            raise MemoryError
        self.c = ffi.gc(handle, lib.osm3s_poly_free)

    def boxes(self) -> tuple[Any, int]:
        return ffi.new("osm3s_bbox *", lib.osm3s_poly_bbox(self.c)), 1


class Around:
    """Within `radius_m` of what is added; call `prepare` before use."""

    def __init__(self, radius_m: float) -> None:
        handle = lib.osm3s_around_new(radius_m)
        if handle == ffi.NULL:
            raise MemoryError
        self.c = ffi.gc(handle, lib.osm3s_around_free)

    def add_line(self, lat_lon: list[float]) -> None:
        check(lib.osm3s_around_add_line(self.c, ffi.new("double[]", lat_lon), len(lat_lon) // 2))

    def add_set(self, snapshot: Snapshot, set_: ElementSet) -> None:
        """Add the nodes and ways of a set."""
        for element_type in (NODE, WAY):
            check(lib.osm3s_around_add_rows(snapshot.handle, self.c, set_.rows(element_type), element_type))

    def prepare(self) -> None:
        check(lib.osm3s_around_prepare(self.c))

    def boxes(self) -> tuple[Any, int]:
        n = ffi.new("size_t *")
        check(lib.osm3s_around_boxes(self.c, ffi.NULL, 0, n))
        boxes = ffi.new("osm3s_bbox[]", n[0] + 1)
        check(lib.osm3s_around_boxes(self.c, boxes, n[0], n))
        return boxes, n[0]


class AreaIndex:
    """In any of some areas; call `prepare` after the last one was added."""

    def __init__(self, limits: Limits) -> None:
        """What is added counts as memory at once: adding and preparing raise QueryOutOfMemory and QueryTimeout."""
        self._context = limits.handle  # which the core keeps
        handle = lib.osm3s_area_index_new(self._context)
        if handle == ffi.NULL:
            raise MemoryError
        self.c = ffi.gc(handle, lib.osm3s_area_index_free)

    def add_outline(self, outline: Any) -> None:
        """Add a stored area."""
        check(lib.osm3s_area_index_add_lines(self.c, outline.lat_lon, outline.sizes, outline.n_lines))

    def add_closed_ways(self, snapshot: Snapshot, limits: Limits, set_: ElementSet) -> None:
        check(lib.osm3s_area_index_add_rows(snapshot.handle, limits.handle, self.c, set_.rows(WAY)))

    def prepare(self) -> None:
        check(lib.osm3s_area_index_prepare(self.c))

    def memory_bytes(self) -> int:
        return int(lib.osm3s_area_index_bytes(self.c))

    def boxes(self) -> tuple[Any, int]:
        box = ffi.new("osm3s_bbox *", lib.osm3s_area_index_bbox(self.c))
        return box, int(box.south <= box.north)


Spatial = BBox | Polygon | Around | AreaIndex
