"""A change of the areas from beginning to end: a small transaction of their own domain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from osm3s.ffi import check, lib
from osm3s.ffi.batch import Batch
from osm3s.ffi.element_set import WAY
from osm3s.paths import AREAS
from osm3s.storage.commit import publish
from osm3s.storage.empty_domain import create_empty
from osm3s.storage.recovery import recover_locked
from osm3s.storage.settings import DatabaseSettings
from osm3s.storage.write_transaction import WriteTransaction
from osm3s.update.apply_changes import ElementUpdate
from osm3s.update.permission import Permission, uninterrupted, writing

AUTO, RULES, NONE = "auto", "rules", "none"
"""Who makes the areas: whoever updates the map, runs of rules, nobody."""


class AreaChange(NamedTuple):
    """What becomes of the areas."""

    settings: dict[str, Any]
    """Those of the domain that change; see DatabaseSettings."""
    batches: Sequence[Batch] = ()
    """Areas to be stored in place of those with the same ids."""
    removed: Iterable[int] = ()
    """Ids of areas that there are no more."""


def as_of(of_map: DatabaseSettings, made_by: str) -> dict[str, Any]:
    """The settings of areas that have been made from this version of the map."""
    return {
        "map_id": of_map.map_id,
        "made_from": of_map.commit,
        "timestamp": of_map.timestamp,
        "made_by": made_by,
        "build": [],
    }


@contextmanager
def writing_areas(db_dir: str) -> Iterator[Permission]:
    """The permission to write the areas of a database directory; what an earlier writer has left is repaired.

    Raises DispatcherError, ContextError, StorageError.
    """
    with writing(db_dir, domain=AREAS) as permission:
        recover_locked(permission.db)
        yield permission


def write(permission: Permission, change: AreaChange) -> int:
    """Make a change visible, all at once; return how many deltas have become too large.

    Raises StorageError, DispatcherError: nothing was changed.
    """
    if not permission.db.exists:
        create_empty(permission.db, DatabaseSettings())
    with permission.alive(), WriteTransaction(permission.db, permission.oldest_snapshot) as txn:
        settings = txn.settings
        for name, value in change.settings.items():
            setattr(settings, name, value)
        batches = [*change.batches, _removals(change.removed)]
        n_large_deltas = 0
        if any(map(len, batches)):
            update = ElementUpdate(txn, with_positions=True)
            update.apply(batches)
            update.write()
            n_large_deltas = update.n_large_deltas
        with uninterrupted():
            txn_id = publish(txn, permission.ask_to_merge)
            permission.merged(txn_id, settings.timestamp, "")
    return n_large_deltas


def ids_of(batch: Batch) -> set[int]:
    """Of the areas of a batch."""
    return {batch.c.elements[i].id for i in range(len(batch))}


def _removals(ids: Iterable[int]) -> Batch:
    batch = Batch()
    for area_id in ids:
        check(lib.osm3s_batch_add_element(batch.c, WAY, area_id, lib.OSM3S_NO_COORD, 0, (0, 0, 0, 0), b"", 0, True))
    return batch
