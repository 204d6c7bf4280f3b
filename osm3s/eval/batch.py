"""The elements of a set in the form evaluators take: batches of some thousand elements of one type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from osm3s.eval.element_batch import ElementBatch, Positions, center_of
from osm3s.eval.execution import Execution, require_metadata
from osm3s.eval.geometries import NOWHERE
from osm3s.eval.items import MemberList, Tags
from osm3s.ffi import ffi, lib
from osm3s.ffi.element_set import NODE, TYPES, ElementSet
from osm3s.ffi.out import quadtile_order
from osm3s.output.derived import Derived, Geometry

if TYPE_CHECKING:
    from osm3s.storage.areas import StoredArea

BATCH_SIZES = (8192, 2048, 256)
"""Elements per batch, by type: those with members need more memory each."""
SOUTH, WEST = -910_000_000, -(1 << 31)
"""Where squares begin that the reference cuts areas into."""


class DerivedBatch:
    """Objects that are no elements of the map."""

    is_way = False

    def __init__(self, deriveds: list[Derived]) -> None:
        self.n = len(deriveds)
        self.deriveds = deriveds

    def ids(self) -> list[str]:
        return [str(derived.id) for derived in self.deriveds]

    def types(self) -> list[str]:
        return [derived.type for derived in self.deriveds]

    def tags(self) -> list[Tags]:
        return [derived.tags for derived in self.deriveds]

    def values(self, key: str) -> list[str]:
        return [derived.tag(key) or "" for derived in self.deriveds]

    def has_key(self, key: str) -> list[str]:
        return ["0" if derived.tag(key) is None else "1" for derived in self.deriveds]

    def count_tags(self) -> list[str]:
        return [str(len(derived.tags)) for derived in self.deriveds]

    def count_members(self) -> list[str]:
        return ["0"] * self.n

    def metadata(self, name: str) -> list[str]:
        return [""] * self.n

    def is_closed(self) -> list[str]:
        return ["NaW"] * self.n

    def lengths(self) -> list[str]:
        return ["0"] * self.n

    def centers(self) -> list[tuple[str, str]]:
        return [center_of(derived.geometry) for derived in self.deriveds]

    def members(self) -> list[MemberList | None]:
        return [None] * self.n

    def positions(self) -> list[Positions | None]:
        return [None] * self.n

    def geometries(self) -> list[Geometry | None]:
        return [derived.geometry or NOWHERE for derived in self.deriveds]

    def numbers(self, name: str) -> None:
        return None


class AreaBatch(DerivedBatch):
    """Stored areas; nothing is known of them but their tags."""

    def __init__(self, areas: list[StoredArea]) -> None:
        super().__init__([Derived("area", area.id, area.tags) for area in areas])
        self.areas = areas


class NoElement:
    """Where there is no element: a single item of which nothing is known."""

    n = 1
    is_way = False

    def ids(self) -> list[str]:
        return [""]

    types = count_tags = count_members = is_closed = lengths = ids

    def tags(self) -> list[Tags]:
        return [[]]

    def values(self, key: str) -> list[str]:
        return [""]

    has_key = metadata = values

    def centers(self) -> list[tuple[str, str]]:
        return [("", "")]

    def members(self) -> list[MemberList | None]:
        return [None]

    def positions(self) -> list[Positions | None]:
        return [None]

    def geometries(self) -> list[Geometry | None]:
        return [None]

    def numbers(self, name: str) -> None:
        return None


def element_batches(
    execution: Execution, set_: ElementSet, element_type: int, quadtile: bool = False, time_s: int | None = None
) -> Iterator[ElementBatch]:
    """The elements of one type, by id or in quadtile order; `time_s` as in ElementBatch. Checks the limits before each
    batch."""
    all_rows = set_.handle.of[element_type]
    n = all_rows.n
    if n == 0:
        return
    rows = quadtile_order(execution.snapshot, execution.limits, all_rows, element_type) if quadtile else all_rows.rows
    size = BATCH_SIZES[element_type]
    for start in range(0, n, size):
        execution.check_limits()
        yield ElementBatch(execution, element_type, rows + start, min(size, n - start), (set_, rows), time_s)


def batches(
    execution: Execution, set_: ElementSet, quadtile: bool = False, time_s: int | None = None
) -> Iterator[ElementBatch | DerivedBatch]:
    """The whole set: nodes, ways, relations, areas, deriveds."""
    for element_type in TYPES:
        yield from element_batches(execution, set_, element_type, quadtile, time_s)
    if set_.areas:
        yield AreaBatch(areas_in_order(set_) if quadtile else set_.areas)
    if set_.deriveds:
        yield DerivedBatch(set_.deriveds)


def areas_in_order(set_: ElementSet) -> list[StoredArea]:
    """The areas of a set in quadtile order, by the box of the squares of 2^20 units that they touch."""

    def order(area: StoredArea) -> tuple[int, int]:
        south, west, north, east = area.box
        box = ffi.new(
            "osm3s_bbox *", (_square(south, -SOUTH), _square(west, -WEST), _square(north, -SOUTH), _square(east, -WEST))
        )
        return lib.osm3s_quad_order(lib.osm3s_quad_of_bbox(box[0])), area.id

    return sorted(set_.areas, key=order)


def _square(coordinate_e7: int, origin: int) -> int:
    """Where the square begins in which a coordinate is."""
    return ((coordinate_e7 + origin) >> 20 << 20) - origin


def prepare(execution: Execution, set_: ElementSet, tags: bool, meta: bool, types: tuple[int, ...] = TYPES) -> None:
    """Make tags and metadata readable. Raises QueryFailed if there is no metadata."""
    snapshot = execution.snapshot
    if meta:
        require_metadata(snapshot)
    if (tags or meta) and NODE in types and set_.count(NODE):
        snapshot.resolve_nodes(set_, tagged_only=not meta)
    if meta:
        for element_type in types:
            snapshot.attach_meta_of(set_.rows(element_type))
