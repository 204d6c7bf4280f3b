"""Areas made from the whole map, in the order of the relations, as many at a time as fit well into memory.

Each part is a commit. Areas that have been there stay visible meanwhile, and change part by part; the first areas of a
map become visible with the last part. Where it was interrupted, the next update goes on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager

from osm3s.areas import conditions
from osm3s.areas.assembly import assemble
from osm3s.areas.writing import AUTO, AreaChange, as_of, ids_of
from osm3s.constants import RELATION_AREA_OFFSET
from osm3s.ffi.element_set import RELATION
from osm3s.storage.areas import Areas, open_areas
from osm3s.storage.snapshot import Snapshot

MOST_POINTS = 1 << 25
"""Of the outlines of one part; some 40 bytes of memory each."""


def next_part(snapshot: Snapshot) -> tuple[AreaChange, bool]:
    """The next part, and whether there is something to do behind it: more parts, or what has changed meanwhile."""
    of_map = snapshot.settings
    with _stored(snapshot) as areas:
        build = areas.snapshot.settings.build if areas is not None else []
        stored = areas.ids() if areas is not None else []
    begun, done = (build[1], build[2]) if build and build[0] == of_map.map_id else (of_map.commit, 0)
    relations = conditions.all_that_match(snapshot)
    ids = relations.ids(RELATION)
    at, n_points, batches, kept = bisect_right(ids, done), 0, [], set()
    for after, batch, broken in assemble(snapshot, relations, at):
        at = after
        batches.append(batch)
        kept |= ids_of(batch)
        if snapshot.areas is not None:  # what is left over from another map is not kept
            kept |= broken
        n_points += batch.c.n_refs
        if n_points >= MOST_POINTS:
            break
    is_last = at >= len(ids)
    first = done + RELATION_AREA_OFFSET + 1 if done else 0
    end = None if is_last else ids[at - 1] + RELATION_AREA_OFFSET + 1
    removed = [i for i in stored if i not in kept and first <= i and (end is None or i < end)]
    if not is_last:
        return AreaChange({"build": [of_map.map_id, begun, ids[at - 1]]}, batches, removed), True
    settings = as_of(of_map, AUTO)
    if begun != of_map.commit:
        del settings["timestamp"]  # the first parts are older than that, which is seen to next
        settings["made_from"] = begun
    return AreaChange(settings, batches, removed), begun != of_map.commit


@contextmanager
def _stored(snapshot: Snapshot) -> Iterator[Areas | None]:
    """The areas that are stored, even if they are not of this map."""
    if snapshot.areas is not None:
        yield snapshot.areas
        return
    areas = open_areas(snapshot.root)
    try:
        yield areas
    finally:
        if areas is not None:
            areas.snapshot.close()
