"""Areas that follow the map: made with the import, and made anew after an update where something has changed.

What has changed since the areas were made is in the changelog of the map. A relation whose outline has come apart keeps
the area it had, as with the reference; one that is gone, or matches no condition any more, loses it.
"""

from __future__ import annotations

from osm3s.areas import conditions
from osm3s.areas.assembly import assemble
from osm3s.areas.whole_map import next_part
from osm3s.areas.writing import AUTO, AreaChange, as_of, ids_of, write, writing_areas
from osm3s.constants import RELATION_AREA_OFFSET
from osm3s.ffi.element_set import RELATION, WAY, ElementSet
from osm3s.paths import AREAS, DatabaseDir
from osm3s.storage.snapshot import Snapshot
from osm3s.update.compact import compact_after_commit


def follow(root: str, take_over: bool = False) -> None:
    """Bring the areas of a database directory up to date, if they are to follow the map.

    `take_over`: also if they are what a run of rules has left. Raises StorageError, DispatcherError, ContextError: the
    areas are as they were then, and the next update makes up for it.
    """
    with Snapshot(DatabaseDir(root)) as snapshot:
        if snapshot.settings.areas != AUTO:
            return
    n_large_deltas, more = 0, True
    while more:
        with writing_areas(root) as permission:
            with Snapshot(DatabaseDir(root)) as snapshot:  # now that nobody else writes areas
                change, more = _next_change(snapshot, take_over)
            if change is not None:
                n_large_deltas += write(permission, change)
    if n_large_deltas:
        compact_after_commit(root, AREAS)


def _next_change(snapshot: Snapshot, take_over: bool) -> tuple[AreaChange | None, bool]:
    """What is to be written next, and whether there may be more behind it."""
    areas, of_map = snapshot.areas, snapshot.settings
    if areas is not None and not areas.snapshot.settings.build:
        state = areas.snapshot.settings
        if state.made_by != AUTO and not take_over:
            return None, False
        if state.made_by == AUTO:
            if (state.made_from, state.timestamp) == (of_map.commit, of_map.timestamp):
                return None, False
            candidates = _candidates(snapshot, state.made_from)
            if candidates is not None:
                return _of_relations(snapshot, candidates), False
    return next_part(snapshot)


def _of_relations(snapshot: Snapshot, candidates: ElementSet) -> AreaChange:
    """What becomes of the areas of some relations."""
    ids = candidates.ids(RELATION)
    snapshot.locate(candidates.rows(RELATION), RELATION)
    kept: set[int] = set()
    batches = []
    for _, batch, broken in assemble(snapshot, conditions.those_that_match(snapshot, candidates)):
        batches.append(batch)
        kept |= broken | ids_of(batch)
    removed = [i + RELATION_AREA_OFFSET for i in ids if i + RELATION_AREA_OFFSET not in kept]
    return AreaChange(as_of(snapshot.settings, AUTO), batches, removed)


def _candidates(snapshot: Snapshot, since: int) -> ElementSet | None:
    """The relations that something has happened to after a commit: to themselves, or to one of their ways.

    None: there was no such commit, so the areas are of another map; or it is so long ago that this is forgotten.
    """
    if since > snapshot.settings.commit or since < snapshot.settings.pruned_commit:
        return None
    changed, result = snapshot.changed_after(since), ElementSet()
    snapshot.owners(changed.rows(WAY), WAY, result.rows(RELATION))
    result.take(changed, (RELATION,))
    return result
