"""`ElementSet`: the result of a statement. The rows stay native (native/set.c); Python only sees how many there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from osm3s.ffi import check, ffi, lib

NODE, WAY, RELATION = 0, 1, 2
TYPES = (NODE, WAY, RELATION)
UNRESOLVED = 0xFFFFFFFF

MEMORY_PER_ELEMENT_BYTES = (8, 128, 192)
"""What an element counts for towards `maxsize`, per type: the reference's estimate."""
MEMORY_PER_DERIVED_BYTES = 192
MEMORY_PER_AREA_BYTES = 128


class ElementSet:
    """Nodes, ways and relations, each sorted by id and without duplicates. `handle` is the `osm3s_set *`.

    `areas`, the stored ones, and `deriveds` are objects with an `id`, sorted by it; several deriveds may have one id.
    """

    __slots__ = ("_measured", "areas", "deriveds", "handle")

    def __init__(self) -> None:
        handle = lib.osm3s_set_new()
        if handle == ffi.NULL:
            raise MemoryError
        self.handle: Any = ffi.gc(handle, lib.osm3s_set_free)
        self.areas: list[Any] = []
        self.deriveds: list[Any] = []
        self._measured: tuple[list[Any], int, int, set[int]] = (self.deriveds, 0, 0, set())
        """A list of deriveds, how many of them have been measured, what they count for, and their geometries."""

    @classmethod
    def of_rows(cls, element_type: int, rows: Iterable[Any]) -> ElementSet:
        """A set of elements of one type, each an `osm3s_row *`, in the order of their ids."""
        set_ = cls()
        into = set_.rows(element_type)
        for row in rows:
            check(lib.osm3s_rows_push(into, row.id, row.block, row.slot, row.lat, row.lon))
        return set_

    def rows(self, element_type: int) -> Any:
        """The `osm3s_rows *` of one type, valid as long as this set."""
        return ffi.addressof(self.handle.of, element_type)

    def count(self, element_type: int) -> int:
        n: int = self.handle.of[element_type].n
        return n

    def counts(self) -> tuple[int, int, int]:
        return self.count(NODE), self.count(WAY), self.count(RELATION)

    def __len__(self) -> int:
        return sum(self.counts()) + len(self.areas) + len(self.deriveds)

    def memory_bytes(self) -> int:
        """Estimated size, by which `maxsize` is judged."""
        of, (node_bytes, way_bytes, relation_bytes) = self.handle.of, MEMORY_PER_ELEMENT_BYTES
        elements: int = of[NODE].n * node_bytes + of[WAY].n * way_bytes + of[RELATION].n * relation_bytes
        areas = len(self.areas) * MEMORY_PER_AREA_BYTES
        return elements + areas + self._deriveds_bytes() if self.deriveds else elements + areas

    def _deriveds_bytes(self) -> int:
        """Their texts and geometries can be of any length, and several may have one geometry. Asked for in every round
        of a loop, so each is measured once; a list of them only ever grows."""
        measured, n, n_bytes, shapes = self._measured
        if measured is not self.deriveds:
            n, n_bytes, shapes = 0, 0, set()
        if n < len(self.deriveds):
            for derived in self.deriveds[n:] if n else self.deriveds:
                n_bytes += max(MEMORY_PER_DERIVED_BYTES, derived.text_bytes) + derived.geometry_bytes(shapes)
            self._measured = (self.deriveds, len(self.deriveds), n_bytes, shapes)
        return n_bytes

    def add(self, other: ElementSet, types: Iterable[int] = TYPES) -> None:
        """Become the union with another set. Of areas and deriveds that both have, the other set's stay; `types` leaves
        them out."""
        for element_type in types:
            check(lib.osm3s_rows_add(self.rows(element_type), other.rows(element_type)))
        if types is TYPES and other.areas:
            self.put_areas([*self.areas, *other.areas])
        if types is TYPES and other.deriveds:
            self.deriveds = _merged(other.deriveds, self.deriveds)

    def take(self, other: ElementSet, types: Iterable[int] = TYPES) -> None:
        """Become the union with a set that is not needed any more: its rows are moved where they can be."""
        for element_type in types:
            check(lib.osm3s_rows_take(self.rows(element_type), other.rows(element_type)))

    def subtract(self, other: ElementSet) -> None:
        for element_type in TYPES:
            lib.osm3s_rows_subtract(self.rows(element_type), other.rows(element_type))
        self.areas = _without(self.areas, other.areas)
        if self.deriveds and other.deriveds:
            self.deriveds = _difference(self.deriveds, other.deriveds)

    def put_areas(self, areas: Iterable[Any]) -> None:
        """Replace the areas; of those with one id the last one stays."""
        self.areas = _by_id(areas)

    def put_deriveds(self, deriveds: Iterable[Any]) -> None:
        """Replace the deriveds. Those with one id stay in the order given."""
        self.deriveds = sorted(deriveds, key=_id)

    def keep_deriveds_of(self, other: ElementSet) -> None:
        self.deriveds = _intersection(self.deriveds, other.deriveds)

    def intersect(self, other: ElementSet, types: Iterable[int] = TYPES) -> None:
        for element_type in types:
            lib.osm3s_rows_intersect(self.rows(element_type), other.rows(element_type))

    def copy(self, types: Iterable[int] = TYPES) -> ElementSet:
        result = ElementSet()
        for element_type in types:
            check(lib.osm3s_rows_copy(self.rows(element_type), result.rows(element_type)))
        if types is TYPES:
            result.areas = list(self.areas)
            result.deriveds = list(self.deriveds)
        return result

    def put_ids(self, element_type: int, ids: Iterable[int]) -> None:
        """Add unresolved rows; duplicates are dropped."""
        rows, numbers = self.rows(element_type), list(ids)
        check(lib.osm3s_rows_push_ids(rows, ffi.new("uint64_t[]", numbers), len(numbers)))
        check(lib.osm3s_rows_sort(rows))

    def ids(self, element_type: int) -> list[int]:
        """For tests and small sets."""
        rows = self.rows(element_type)
        out = ffi.new("uint64_t[]", rows.n + 1)
        lib.osm3s_rows_ids(rows, out)
        found: list[int] = ffi.unpack(out, rows.n) if rows.n else []
        return found


def _by_id(objects: Iterable[Any]) -> list[Any]:
    by_id = {object_.id: object_ for object_ in objects}
    return [by_id[id_] for id_ in sorted(by_id)]


def _without(objects: list[Any], others: list[Any]) -> list[Any]:
    if not (objects and others):
        return objects
    ids = {other.id for other in others}
    return [object_ for object_ in objects if object_.id not in ids]


# --- deriveds, where ids repeat: one step after the other through two sorted lists ------------------------------------


def _id(object_: Any) -> int:
    found: int = object_.id
    return found


def _merged(first: list[Any], second: list[Any]) -> list[Any]:
    """The union; of each id as many as the list has that has more of them, those of the first list before all."""
    merged: list[Any] = []
    i = j = 0
    while i < len(first) and j < len(second):
        one, other = _id(first[i]), _id(second[j])
        merged.append(first[i] if one <= other else second[j])
        i, j = i + (one <= other), j + (other <= one)
    return [*merged, *first[i:], *second[j:]]


def _difference(first: list[Any], second: list[Any]) -> list[Any]:
    """What is left of the first list when each of the second has taken one with its id away."""
    kept: list[Any] = []
    i = j = 0
    while i < len(first) and j < len(second):
        one, other = _id(first[i]), _id(second[j])
        if one < other:
            kept.append(first[i])
        i, j = i + (one <= other), j + (other <= one)
    return [*kept, *first[i:]]


def _intersection(first: list[Any], second: list[Any]) -> list[Any]:
    """Those of the first list that have a partner in the second."""
    kept: list[Any] = []
    i = j = 0
    while i < len(first) and j < len(second):
        one, other = _id(first[i]), _id(second[j])
        if one == other:
            kept.append(first[i])
        i, j = i + (one <= other), j + (other <= one)
    return kept
