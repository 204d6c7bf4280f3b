"""Which elements of two sets differ: those that only one has, and those of another version or at another place."""

from __future__ import annotations

from typing import Any

from osm3s.eval.execution import Execution
from osm3s.eval.recursion import member_rows, relations_with
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import NODE, RELATION, UNRESOLVED, WAY, ElementSet

Pair = tuple[int, int]
"""The number of a row in each set, UNRESOLVED where there is none."""


def differing_pairs(
    execution: Execution, before: ElementSet, after: ElementSet, element_type: int, interval: tuple[int, int]
) -> list[Pair]:
    """By id: elements that only one set has, or that are of another version or at another place, or have members that
    are. `before` is of the one time, `after` of the other."""
    moved = ElementSet()
    if element_type == RELATION:
        moved = _with_moved_members(execution, before, after, interval)
    old, new = before.rows(element_type), after.rows(element_type)
    out = ffi.new("uint32_t[]", 2 * (old.n + new.n) + 1)
    numbers = ffi.unpack(out, lib.osm3s_rows_pairs(old, new, moved.rows(element_type), out))
    pairs = list(zip(numbers[0::2], numbers[1::2], strict=True))
    both = [pair for pair in pairs if UNRESOLVED not in pair]
    places = [_places(execution, rows, [p[k] for p in both], element_type) for k, rows in enumerate((old, new))]
    same = {p[0] for p, *place in zip(both, *places, strict=True) if place[0] == place[1]}
    moved_ids = set(moved.ids(element_type)) if same else set()
    same = {i for i in same if old.rows[i].id not in moved_ids}
    return [pair for pair in pairs if pair[0] not in same] if same else pairs


def _places(execution: Execution, rows: Any, numbers: list[int], element_type: int) -> list[int]:
    """Per row a number that tells versions and places from each other."""
    picked = ElementSet()
    found = picked.rows(element_type)
    check(lib.osm3s_rows_pick(rows.rows, ffi.new("uint32_t[]", numbers), len(numbers), found))
    execution.snapshot.attach_meta_of(found)
    out = ffi.new("uint64_t[]", len(numbers) + 1)
    check(lib.osm3s_versions_places(execution.snapshot.handle, found.rows, found.n, True, out))
    places: list[int] = ffi.unpack(out, len(numbers)) if numbers else []
    return places


def _with_moved_members(
    execution: Execution, before: ElementSet, after: ElementSet, interval: tuple[int, int]
) -> ElementSet:
    """The relations of both sets of which a node or way has another place, or is there only once."""
    both = before.copy((RELATION,))
    both.intersect(after, (RELATION,))
    moved, found = ElementSet(), ElementSet()
    for element_type in (NODE, WAY):
        with execution.at(interval[0]):
            old = places_of_members(execution, before, element_type)
        with execution.at(interval[1]):
            new = places_of_members(execution, after, element_type)
        moved.put_ids(element_type, {number for number, _ in old.items() ^ new.items()})
    relations_with(execution, both, moved, (NODE, WAY), None, found)
    return found


def places_of_members(execution: Execution, relations: ElementSet, element_type: int) -> dict[int, int]:
    """Numbers that tell places of the node or way members from each other, by id."""
    members = ElementSet()
    member_rows(execution, relations, element_type, None, members, or_later=True)
    rows = members.handle.of[element_type]
    out = ffi.new("uint64_t[]", rows.n + 1)
    check(lib.osm3s_versions_places(execution.snapshot.handle, rows.rows, rows.n, False, out))
    return dict(zip(members.ids(element_type), out[0 : rows.n], strict=True))
