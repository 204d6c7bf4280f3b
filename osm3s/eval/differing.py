"""Which elements of two sets differ: those that only one has, and those of another version or at another place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from osm3s.eval.execution import Execution
from osm3s.eval.recursion import member_rows, relations_with
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import NODE, RELATION, WAY, ElementSet


class Pairs:
    """Elements that are in one of two sets or in both, by the numbers of their rows, UNRESOLVED where there is none."""

    def __init__(self, most: int) -> None:
        """With room for so many."""
        self.c: Any = ffi.new("osm3s_pair[]", most + 1)
        self.n = 0

    @classmethod
    def of(cls, numbers: Sequence[tuple[int, int]]) -> Pairs:
        pairs = cls(len(numbers))
        pairs.c[0 : len(numbers)] = numbers
        pairs.n = len(numbers)
        return pairs

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for pair in self.c[0 : self.n]:
            yield pair.old, pair.new_


def differing_pairs(
    execution: Execution, before: ElementSet, after: ElementSet, element_type: int, interval: tuple[int, int]
) -> Pairs:
    """By id: elements that only one set has, or that are of another version or at another place, or have members that
    are. `before` is of the one time, `after` of the other."""
    moved, both = ElementSet(), ElementSet()
    if element_type == RELATION:
        moved = _with_moved_members(execution, before, after, interval)
    old, new, in_both = before.rows(element_type), after.rows(element_type), both.rows(element_type)
    pairs, n = Pairs(old.n + new.n), ffi.new("size_t *")
    n[0] = lib.osm3s_rows_pairs(old, new, moved.rows(element_type), pairs.c)
    check(lib.osm3s_pairs_rows(old, new, pairs.c, n[0], in_both))
    snapshot = execution.snapshot
    snapshot.attach_meta_of(in_both)
    check(lib.osm3s_pairs_differing(snapshot.handle, old, new, moved.rows(element_type), pairs.c, n))
    pairs.n = n[0]
    return pairs


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
    check(lib.osm3s_versions_places(execution.snapshot.handle, rows.rows, rows.n, out))
    return dict(zip(members.ids(element_type), out[0 : rows.n], strict=True))
