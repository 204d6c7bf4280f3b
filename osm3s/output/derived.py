"""Objects that are not elements of the map: results of make and convert, counts, areas; and their geometry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Position = tuple[float, float]
"""Latitude and longitude in degrees."""
POSITION_BYTES = 112
"""A pair of numbers and its place in a list, in this interpreter."""
SHAPE_BYTES = 96


@dataclass(frozen=True, slots=True)
class Bounds:
    """In degrees; west > east spans the antimeridian."""

    south: float
    west: float
    north: float
    east: float

    @property
    def center(self) -> Position:
        lat, lon = (self.south + self.north) / 2, (self.west + self.east) / 2
        if self.west > self.east:
            lon += 180.0 if lon <= 0 else -180.0
        return lat, lon


@dataclass(frozen=True, slots=True)
class Point:
    lat: float
    lon: float

    @property
    def bounds(self) -> Bounds | None:
        return Bounds(self.lat, self.lon, self.lat, self.lon)


@dataclass(frozen=True, slots=True)
class Line:
    positions: list[Position]

    @property
    def bounds(self) -> Bounds | None:
        return bounds_of_positions(self.positions)


@dataclass(frozen=True, slots=True)
class Polygon:
    rings: list[list[Position]]

    @property
    def bounds(self) -> Bounds | None:
        return bounds_of_positions([position for ring in self.rings for position in ring])


@dataclass(frozen=True, slots=True)
class Collection:
    parts: list[Geometry | None]
    """None: a part without geometry, for instance a member that is not in the database."""

    @property
    def bounds(self) -> Bounds | None:
        return bounds_of_parts(part.bounds for part in self.parts if part is not None)


@dataclass(frozen=True, slots=True)
class Nowhere:
    """The geometry of what has a place, but not a known one. A line without points is something else."""

    @property
    def bounds(self) -> Bounds | None:
        return None


Shape = Point | Line | Polygon | Collection
Geometry = Shape | Nowhere


@dataclass(slots=True)
class Derived:
    """`type` is any name; tags are printed in their order."""

    type: str
    id: int
    tags: list[tuple[str, str]] = field(default_factory=list)
    geometry: Geometry | None = None

    def tag(self, key: str) -> str | None:
        return next((value for k, value in self.tags if k == key), None)

    @property
    def text_bytes(self) -> int:
        """What the texts take at least."""
        return sum([len(key) + len(value) for key, value in self.tags])

    def geometry_bytes(self, seen: set[int]) -> int:
        """What the geometry takes, without the parts that are in `seen`, which are those of other objects; then all of
        it is there."""
        return 0 if self.geometry is None else _memory_bytes(self.geometry, seen)


def _memory_bytes(geometry: Geometry, seen: set[int]) -> int:
    n_bytes, todo = 0, [geometry]
    while todo:  # with a list of its own: collections may be nested deeply
        shape = todo.pop()
        if id(shape) in seen:
            continue
        n_bytes += SHAPE_BYTES
        if isinstance(shape, Point):
            continue  # to remember it would take as much as it does
        seen.add(id(shape))
        if isinstance(shape, Line):
            n_bytes += POSITION_BYTES * len(shape.positions)
        elif isinstance(shape, Polygon):
            n_bytes += POSITION_BYTES * sum(map(len, shape.rings))
        elif isinstance(shape, Collection):
            todo += [part for part in shape.parts if part is not None]
    return n_bytes


def count_element(nodes: int, ways: int, relations: int, areas: int | None = None, total: int | None = None) -> Derived:
    """What `out count` prints. `areas` is None if the request does not use areas."""
    counts = [("nodes", nodes), ("ways", ways), ("relations", relations)]
    if areas is not None:
        counts.append(("areas", areas))
    if total is None:
        total = sum(n for _, n in counts)
    return Derived("count", 0, [(key, str(n)) for key, n in [*counts, ("total", total)]])


def bounds_of_positions(positions: Iterable[Position]) -> Bounds | None:
    """If they span more than half the globe: the box across the antimeridian, or all longitudes if it is no smaller."""
    positions = list(positions)
    if not positions:
        return None
    lats, lons = [lat for lat, _ in positions], [lon for _, lon in positions]
    south, north, west, east = min(lats), max(lats), min(lons), max(lons)
    if east - west <= 180.0:
        return Bounds(south, west, north, east)
    return _around(
        south, north, min((lon for lon in lons if lon > 0), default=180.0), max(lon for lon in lons if lon <= 0)
    )


def bounds_of_parts(parts: Iterable[Bounds | None]) -> Bounds | None:
    """Bounds around bounds, by the same rule; a part that lies on both sides of Greenwich spoils the smaller box."""
    boxes = [box for box in parts if box is not None]
    if not boxes:
        return None
    south, north = min(box.south for box in boxes), max(box.north for box in boxes)
    west, east = min(box.west for box in boxes), max(box.east for box in boxes)
    if east - west <= 180.0 and all(box.west <= box.east for box in boxes):
        return Bounds(south, west, north, east)
    if any(box.west < 0 < box.east for box in boxes):
        return Bounds(south, -180.0, north, 180.0)
    return _around(
        south,
        north,
        min((box.west for box in boxes if box.west >= 0), default=200.0),
        max((box.east for box in boxes if box.east <= 0), default=-200.0),
    )


def _around(south: float, north: float, west: float, east: float) -> Bounds:
    if west - east > 180.0:
        return Bounds(south, west, north, east)
    return Bounds(south, -180.0, north, 180.0)


def coordinate(degrees: float) -> str:
    return f"{degrees:z.7f}"
