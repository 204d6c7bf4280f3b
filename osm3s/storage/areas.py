"""Stored areas, for reading. They are in a domain of their own, as ways in a database without nodes; see FORMAT.md."""

from __future__ import annotations

from collections.abc import Iterable
from struct import pack, unpack
from typing import Any

from osm3s.ffi import check, columns, ffi, lib
from osm3s.ffi.batch import Batch
from osm3s.ffi.element_set import UNRESOLVED, WAY, ElementSet
from osm3s.paths import DatabaseDir
from osm3s.storage.snapshot import Snapshot

Box = tuple[int, int, int, int]
"""South, west, north, east in 1e-7 degree; plain: west <= east."""


class Outline:
    """The lines that bound an area: even-odd, not joined, not cut at the antimeridian.

    `lat_lon` is an `int32_t *` with two numbers (1e-7 degree) for each of the `n_points` points of all lines, one line
    after the other; `sizes` is a `uint32_t *` with the number of points, two at least, of each of the `n_lines` lines.
    Valid as long as this object.
    """

    __slots__ = ("_owner", "lat_lon", "n_lines", "n_points", "sizes")

    def __init__(self, lat_lon: Any, n_points: int, sizes: Any, n_lines: int, owner: object) -> None:
        self.lat_lon, self.n_points, self.sizes, self.n_lines = lat_lon, n_points, sizes, n_lines
        self._owner = owner

    @classmethod
    def of_lines(cls, lines: Iterable[Iterable[tuple[int, int]]]) -> Outline:
        """Of lines of latitudes and longitudes."""
        points = [list(line) for line in lines]
        flat = [number for line in points for point in line for number in point]
        lat_lon, sizes = ffi.new("int32_t[]", flat), ffi.new("uint32_t[]", [len(line) for line in points])
        return cls(lat_lon, len(flat) // 2, sizes, len(points), (lat_lon, sizes))

    def lines(self) -> list[list[tuple[int, int]]]:
        """For tests and tools."""
        numbers = ffi.unpack(self.lat_lon, 2 * self.n_points) if self.n_points else []
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        result = []
        for size in ffi.unpack(self.sizes, self.n_lines) if self.n_lines else ():
            result.append(points[:size])
            del points[:size]
        return result


class StoredArea:
    """One area. Valid as long as the snapshot it is from."""

    __slots__ = ("_box", "_handle", "_tags", "id", "row")

    def __init__(self, handle: Any, row: Any) -> None:
        """`handle`: of the snapshot of the areas; `row`: an `osm3s_row *` that this object keeps."""
        self._handle = handle
        self.row = row
        self.id: int = row.id
        self._tags: list[tuple[str, str]] | None = None
        self._box: Box | None = None

    @property
    def is_stored(self) -> bool:
        """Whether `row` can be read."""
        stored: bool = self.row.block != UNRESOLVED
        return stored

    @property
    def tags(self) -> list[tuple[str, str]]:
        """In the order of their keys' bytes."""
        if self._tags is None:
            self._tags = columns.tags(self._handle, self.row, 1)[0]
        return self._tags

    @property
    def box(self) -> Box:
        """Holds the whole outline; from -180 to 180 degrees for areas that cross the antimeridian."""
        if self._box is None:
            box = ffi.new("osm3s_bbox *")
            check(lib.osm3s_areas_boxes(self._handle, self.row, 1, box))
            self._box = box.south, box.west, box.north, box.east
        return self._box

    def outline(self) -> Outline:
        """Raises CorruptError."""
        outline = lib.osm3s_area_outline(self._handle, self.row)
        if outline == ffi.NULL:
            check(lib.OSM3S_CORRUPT)
        outline = ffi.gc(outline, lib.osm3s_outline_free)
        return Outline(outline.lat_lon, outline.n_points, outline.sizes, outline.n_lines, outline)


class MadeArea(StoredArea):
    """An area that a run of rules has made and not stored yet: the number `at` of the elements of a batch."""

    __slots__ = ("_at", "_batch")

    def __init__(self, batch: Batch, at: int) -> None:
        element = batch.c.elements[at]
        super().__init__(None, ffi.new("osm3s_row *", (element.id, UNRESOLVED, 0, 0, 0)))
        self._batch, self._at = batch, at

    @property
    def tags(self) -> list[tuple[str, str]]:
        c, string = self._batch.c, self._batch.string
        first = c.elements[self._at].tag_start
        numbers = range(first, first + c.elements[self._at].n_tags)
        return [(string(c.tags[i].key), string(c.tags[i].value)) for i in numbers]

    @property
    def box(self) -> Box:
        return _box_of([point for line in self._lines() for point in line])

    def outline(self) -> Outline:
        return Outline.of_lines(line for line in self._lines() if len(line) > 1)

    def _lines(self) -> list[list[tuple[int, int]]]:
        """Those of a single point, which widen the box, too."""
        element = self._batch.c.elements[self._at]
        lines: list[list[tuple[int, int]]] = [[]]
        for i in range(element.ref_start, element.ref_start + element.n_refs):
            lon, lat = unpack("<ii", pack("<q", self._batch.c.refs[i]))
            if lat == lib.OSM3S_NO_COORD:
                lines.append([])
            else:
                lines[-1].append((lat, lon))
        return lines


def _box_of(points: list[tuple[int, int]]) -> Box:
    lats, lons = [lat for lat, _ in points], [lon for _, lon in points]
    return min(lats), min(lons), max(lats), max(lons)


class Areas:
    """One version of the areas. `snapshot` is that of their domain, whose ways they are: every kernel and the tag
    directory work on it as on that of the map, with the element type WAY."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @property
    def timestamp(self) -> str:
        """Of the data that the areas were made from."""
        return self.snapshot.settings.timestamp

    def __len__(self) -> int:
        return self.snapshot.settings.n_elements[WAY]

    def find(self, ids: Iterable[int]) -> list[StoredArea]:
        """Those that there are, sorted by id."""
        set_ = ElementSet()
        set_.put_ids(WAY, ids)
        self.snapshot.locate(set_.rows(WAY), WAY)
        return self.of_rows(set_.rows(WAY))

    def around(self, nodes: Any, box: Any, context: Any) -> list[StoredArea]:
        """Those that contain one of the nodes (`osm3s_rows *`) or have it on their border, sorted by id.

        `box`: the plain `osm3s_bbox` of the nodes; `context`: the `osm3s_context *` of the query.
        """
        set_ = ElementSet()
        check(lib.osm3s_areas_around_nodes(self.snapshot.handle, context, box, nodes, set_.rows(WAY)))
        return self.of_rows(set_.rows(WAY))

    def all(self) -> list[StoredArea]:
        """Sorted by id."""
        set_ = ElementSet()
        check(lib.osm3s_areas_all(self.snapshot.handle, set_.rows(WAY)))
        return self.of_rows(set_.rows(WAY))

    def ids(self) -> list[int]:
        """Of all areas, ascending."""
        set_ = ElementSet()
        check(lib.osm3s_areas_all(self.snapshot.handle, set_.rows(WAY)))
        return set_.ids(WAY)

    def of_rows(self, rows: Any) -> list[StoredArea]:
        """The areas of resolved rows (`osm3s_rows *`) of `snapshot`."""
        handle = self.snapshot.handle
        return [StoredArea(handle, ffi.new("osm3s_row *", rows.rows[i])) for i in range(rows.n)]


def open_areas(root: str) -> Areas | None:
    """The newest version of the areas in a database directory, whatever map they are of; None if there are none.

    Raises StorageError.
    """
    db = DatabaseDir(root).areas
    return Areas(Snapshot(db)) if db.exists else None
