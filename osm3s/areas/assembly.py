"""From relations to areas: their member ways' lines, checked as make-area does."""

from __future__ import annotations

from collections.abc import Iterator

from osm3s.constants import RELATION_AREA_OFFSET
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.batch import Batch
from osm3s.ffi.element_set import RELATION, WAY, ElementSet
from osm3s.storage.snapshot import Snapshot

RELATIONS_PER_STEP = 512


def assemble(snapshot: Snapshot, relations: ElementSet, start: int = 0) -> Iterator[tuple[int, Batch, set[int]]]:
    """The areas of relations (resolved) from number `start` on, some at a time.

    Comes as the number of relations done, the areas as a batch for an update with positions, and the ids of those areas
    that cannot be made because a node is the end of an odd number of ways. Relations without any known outline are in
    neither. Raises CorruptError.
    """
    rows, handle = relations.rows(RELATION), snapshot.handle
    while start < rows.n:
        step, ways, broken, batch = ElementSet(), ElementSet(), ElementSet(), Batch()
        n = min(RELATIONS_PER_STEP, rows.n - start)
        check(lib.osm3s_rows_keep(rows.rows + start, n, b"\1" * n, step.rows(RELATION)))
        of_step, of_ways = step.rows(RELATION), ways.rows(WAY)
        check(lib.osm3s_members_of(handle, ffi.NULL, of_step, WAY, ffi.NULL, of_ways))
        snapshot.locate(of_ways, WAY)
        check(lib.osm3s_areas_of_relations(handle, ffi.NULL, of_step, of_ways, batch.c, broken.rows(RELATION)))
        start += n
        yield start, batch, {relation + RELATION_AREA_OFFSET for relation in broken.ids(RELATION)}
