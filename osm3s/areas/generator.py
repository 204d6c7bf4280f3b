"""Areas that follow the map: made with the import, and made anew after an update where something has changed.

What has changed since the areas were made is in the changelog of the map. A relation whose outline has come apart keeps
the area it had, as with the reference; one that is gone, or matches no condition any more, loses it.
"""

from __future__ import annotations

from osm3s.areas import conditions
from osm3s.areas.assembly import assemble
from osm3s.areas.writing import AUTO, AreaChange, change_to, ids_of, write, writing_areas
from osm3s.constants import RELATION_AREA_OFFSET
from osm3s.ffi.element_set import RELATION, WAY, ElementSet
from osm3s.paths import DatabaseDir
from osm3s.storage.areas import open_areas
from osm3s.storage.settings import DatabaseSettings
from osm3s.storage.snapshot import Snapshot
from osm3s.update.compact import compact


def follow(root: str, take_over: bool = False) -> None:
    """Bring the areas of a database directory up to date, if they are to follow the map.

    `take_over`: also if they are what a run of rules has left. Raises StorageError, DispatcherError, ContextError: the
    areas are as they were then, and the next update makes up for it.
    """
    with Snapshot(DatabaseDir(root)) as snapshot:
        if snapshot.settings.areas != AUTO:
            return
    with writing_areas(root) as permission:
        with Snapshot(DatabaseDir(root)) as snapshot:  # now that nobody else writes areas
            areas = snapshot.areas
            state = areas.snapshot.settings if areas else DatabaseSettings()
            if state.made_by not in ("", AUTO) and not take_over:
                return
            of_map = snapshot.settings
            if state.made_by == AUTO and (state.made_from, state.timestamp) == (of_map.commit, of_map.timestamp):
                return
            change = change_to(of_map, AUTO)
            candidates = _candidates(snapshot, state.made_from) if state.made_by == AUTO else None
            if candidates is None:
                _make_all(snapshot, root, change)
            else:
                _make_some(snapshot, candidates, change)
        n_large_deltas = write(permission, change)
    if n_large_deltas:
        with writing_areas(root) as permission:
            compact(permission)


def _make_all(snapshot: Snapshot, root: str, change: AreaChange) -> None:
    change.batches, broken = assemble(snapshot, conditions.all_that_match(snapshot))
    kept = set().union(*map(ids_of, change.batches))
    if snapshot.areas is not None:
        stored = snapshot.areas.ids()
        kept |= broken
    else:
        stored = _left_over(root)
    change.removed = [area_id for area_id in stored if area_id not in kept]


def _left_over(root: str) -> list[int]:
    """The ids of areas of another map."""
    areas = open_areas(root)
    if areas is None:
        return []
    with areas.snapshot:
        return areas.ids()


def _make_some(snapshot: Snapshot, candidates: ElementSet, change: AreaChange) -> None:
    ids = candidates.ids(RELATION)
    snapshot.locate(candidates.rows(RELATION), RELATION)
    change.batches, broken = assemble(snapshot, conditions.those_that_match(snapshot, candidates))
    kept = broken.union(*map(ids_of, change.batches))
    change.removed = [i + RELATION_AREA_OFFSET for i in ids if i + RELATION_AREA_OFFSET not in kept]


def _candidates(snapshot: Snapshot, since: int) -> ElementSet | None:
    """The relations that something has happened to after a commit: to themselves, or to one of their ways.

    None: there was no such commit, so the areas are of another map; or it is so long ago that this is forgotten.
    """
    if since > snapshot.settings.commit or since < snapshot.settings.pruned_commit:
        return None
    relations: set[int] = set()
    ways: set[int] = set()
    for rows in snapshot.changes_after(since):
        for row in rows:
            if row.type == RELATION:
                relations.add(row.id)
            elif row.type == WAY:
                ways.add(row.id)
    changed, result = ElementSet(), ElementSet()
    changed.put_ids(WAY, sorted(ways))
    snapshot.owners(changed.rows(WAY), WAY, result.rows(RELATION))
    changed.put_ids(RELATION, sorted(relations))
    result.take(changed, (RELATION,))
    return result
