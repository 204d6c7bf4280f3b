"""Which relations become areas. The same as `dbdir-template/rules/areas.osm3s` says in the language of rules; a test
compares the two."""

from __future__ import annotations

from typing import Any

from osm3s.eval.predicate import Predicate
from osm3s.eval.tag_filter import TagFilter
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import RELATION, ElementSet
from osm3s.storage.snapshot import Snapshot

RELATIONS_FAMILY = 3

CONDITIONS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("type", "multipolygon"), ("name", "")),
    (("type", "boundary"), ("name", "")),
    (("admin_level", ""), ("name", "")),
    (("postal_code", ""),),
    (("addr:postcode", ""),),
)
"""A relation becomes an area if it has all tags of one of these; without a value, any will do."""


def _filters(condition: tuple[tuple[str, str], ...]) -> list[TagFilter]:
    return [TagFilter(key, value, "", "", False, False) for key, value in condition]


def all_that_match(snapshot: Snapshot) -> ElementSet:
    """All relations of the map that become areas."""
    result = ElementSet()
    for condition in CONDITIONS:
        tags = _filters(condition)
        blocks, n = _blocks(snapshot, tags)
        found, count = ElementSet(), ffi.new("uint64_t *")
        predicate = Predicate(tags, [], set(), 0)
        check(lib.osm3s_query_blocks(snapshot.handle, ffi.NULL, blocks, n, predicate.c, found.rows(RELATION), count))
        result.take(found, (RELATION,))
    return result


def those_that_match(snapshot: Snapshot, relations: ElementSet) -> ElementSet:
    """Those of some relations (resolved) that become areas."""
    result = ElementSet()
    for condition in CONDITIONS:
        found = ElementSet()
        predicate = Predicate(_filters(condition), [], set(), 0)
        check(
            lib.osm3s_query_rows(snapshot.handle, ffi.NULL, relations.rows(RELATION), predicate.c, found.rows(RELATION))
        )
        result.take(found, (RELATION,))
    return result


def _blocks(snapshot: Snapshot, tags: list[TagFilter]) -> tuple[Any, int]:
    """Numbers of the blocks that hold relations with all these tags, or more."""
    blocks, n = ffi.new("uint32_t[]", snapshot.n_blocks(RELATIONS_FAMILY) + 1), ffi.new("size_t *")
    check(lib.osm3s_select_blocks(snapshot.handle, RELATIONS_FAMILY, ffi.NULL, 0, blocks, n))
    for tag in tags:
        found = tag.blocks(snapshot, RELATIONS_FAMILY)
        if found is None:
            return blocks, 0
        check(lib.osm3s_intersect_blocks(snapshot.handle, RELATION, blocks, n, found.block_ids, found.n))
    return blocks, n[0]
