"""From relations to areas: their member ways' lines, checked as make-area does."""

from __future__ import annotations

from osm3s.constants import RELATION_AREA_OFFSET
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.batch import Batch
from osm3s.ffi.element_set import RELATION, WAY, ElementSet
from osm3s.storage.snapshot import Snapshot

RELATIONS_PER_STEP = 4096


def assemble(snapshot: Snapshot, relations: ElementSet) -> tuple[list[Batch], set[int]]:
    """The areas of relations (resolved), as batches for an update with positions.

    Also the ids of those areas that cannot be made because a node is the end of an odd number of ways. Relations
    without any known outline are in neither.

    Raises CorruptError.
    """
    batches, broken = [], ElementSet()
    rows = relations.rows(RELATION)
    for start in range(0, rows.n, RELATIONS_PER_STEP):
        step, ways, batch = ElementSet(), ElementSet(), Batch()
        n = min(RELATIONS_PER_STEP, rows.n - start)
        check(lib.osm3s_rows_keep(rows.rows + start, n, b"\1" * n, step.rows(RELATION)))
        handle, of_step = snapshot.handle, step.rows(RELATION)
        check(lib.osm3s_members_of(handle, ffi.NULL, of_step, WAY, ffi.NULL, ways.rows(WAY)))
        snapshot.locate(ways.rows(WAY), WAY)
        check(lib.osm3s_areas_of_relations(handle, ffi.NULL, of_step, ways.rows(WAY), batch.c, broken.rows(RELATION)))
        batches.append(batch)
    return batches, {relation + RELATION_AREA_OFFSET for relation in broken.ids(RELATION)}
