"""Which relations have a node or way member in a place: what the spatial conditions of a query mean for relations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from osm3s.eval.execution import Execution
from osm3s.eval.predicate import Predicate
from osm3s.eval.recursion import relations_with
from osm3s.eval.spatial import Spatial
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import NODE, RELATION, WAY, ElementSet
from osm3s.storage.snapshot import FAMILIES_OF_TYPE

ELEMENTS_PER_RELATION = 64
"""To read which members a relation has takes the time of testing so many elements of a block."""
ELEMENTS_PER_MEMBER = 12
"""To look up a member by its id takes the time of testing so many."""


def relations_in(execution: Execution, relations: ElementSet, places: Sequence[Spatial]) -> ElementSet:
    """Those of the relations that have, for each of the places, a node or way member in it."""
    for place in places:
        predicate = Predicate([], [place], set(), 0, members_only=True)
        found, uncertain = ElementSet(), relations
        if not execution.snapshot.time:  # else a member that came later counts where it appeared, but is in no box
            uncertain = ElementSet()
            _divide(execution, relations, predicate, found, uncertain)
        if uncertain.count(RELATION):
            matching = _members_in(execution, uncertain, place, predicate)
            relations_with(execution, uncertain, matching, (NODE, WAY), None, found)
            check(lib.osm3s_rows_sort(found.rows(RELATION)))
        relations = found
    return relations


def _divide(
    execution: Execution, relations: ElementSet, predicate: Predicate, inside: ElementSet, uncertain: ElementSet
) -> None:
    """A relation's box is that of its members: if it is wholly inside the place, so are they."""
    check(
        lib.osm3s_relations_inside(
            execution.snapshot.handle,
            execution.limits.handle,
            relations.rows(RELATION),
            predicate.c,
            inside.rows(RELATION),
            uncertain.rows(RELATION),
        )
    )


def _members_in(execution: Execution, relations: ElementSet, place: Spatial, predicate: Predicate) -> ElementSet:
    """Those nodes and ways of the place that are members of the relations; others may be among them."""
    snapshot, limits, found = execution.snapshot, execution.limits, ElementSet()
    boxes, n_boxes = place.boxes()
    if n_boxes == 0:
        return found
    members: ElementSet | None = None
    for element_type in (NODE, WAY):
        families = [_blocks(execution, family, boxes, n_boxes) for family in FAMILIES_OF_TYPE[element_type]]
        n_elements = sum(lib.osm3s_elements_of_blocks(snapshot.handle, *blocks) for blocks in families)
        if snapshot.time or n_elements > relations.count(RELATION) * ELEMENTS_PER_RELATION:
            members = members or _unresolved_members(execution, relations)
            if snapshot.time or n_elements > members.count(element_type) * ELEMENTS_PER_MEMBER:
                rows, into = members.rows(element_type), found.rows(element_type)
                check(lib.osm3s_rows_sort(rows))
                snapshot.locate(rows, element_type, or_later=True)
                check(lib.osm3s_query_rows(snapshot.handle, limits.handle, rows, predicate.c, into))
                continue
        for blocks in families:
            of_family, count = ElementSet(), ffi.new("uint64_t *")
            rows = of_family.rows(element_type)
            check(lib.osm3s_query_blocks(snapshot.handle, limits.handle, *blocks, predicate.c, rows, count))
            found.take(of_family, (element_type,))
    return found


def _unresolved_members(execution: Execution, relations: ElementSet) -> ElementSet:
    """The nodes and ways, in no order: to sort them takes longer than to read them."""
    snapshot, limits, found = execution.snapshot, execution.limits, ElementSet()
    of_relations, nodes, ways = relations.rows(RELATION), found.rows(NODE), found.rows(WAY)
    check(lib.osm3s_nodes_and_ways_of(snapshot.handle, limits.handle, of_relations, nodes, ways))
    return found


def _blocks(execution: Execution, family: int, boxes: Any, n_boxes: int) -> tuple[Any, int]:
    snapshot = execution.snapshot
    blocks, n = ffi.new("uint32_t[]", snapshot.n_blocks(family) + 1), ffi.new("size_t *")
    check(lib.osm3s_select_blocks(snapshot.handle, family, boxes, n_boxes, blocks, n))
    return blocks, n[0]
