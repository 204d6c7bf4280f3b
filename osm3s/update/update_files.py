"""One update from beginning to end: files -> permission to write -> import or change -> visible."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from osm3s.errors import DispatcherError, InputError, UsageError
from osm3s.ffi.batch import Batch
from osm3s.storage.commit import publish
from osm3s.storage.mirrors import write_mirrors
from osm3s.storage.recovery import current_version, recover_locked
from osm3s.storage.settings import DatabaseSettings
from osm3s.storage.write_transaction import WriteTransaction
from osm3s.update.apply_changes import ElementUpdate
from osm3s.update.bulk_import import BulkImport
from osm3s.update.compact import compact
from osm3s.update.input_file import open_input
from osm3s.update.permission import Permission, uninterrupted, writing
from osm3s.update.progress import Progress

LEVEL_FLAG = {"data": "--data-only", "meta": "--meta", "attic": "--keep-attic"}


def update_files(
    db_dir: str | None,
    paths: Sequence[str],
    level: str | None,
    timestamp: str | None,
    replicate_id: str | None,
    areas: str | None = None,
) -> str:
    """Bring the content of files into a database, in one transaction; return its directory. "-" is standard input.

    `level` None: that of the database, or "data" for a new one. `timestamp` None: what the last file states. `areas`:
    "auto" or "none", whether areas follow the map from now on; None: as before, and for a new database "auto".
    Raises UsageError, InputError, StorageError, DispatcherError, ContextError; nothing is changed then.
    """
    progress = Progress()
    n_large_deltas = 0
    with writing(db_dir, timestamp or "") as permission:
        recover_locked(permission.db)
        if os.path.exists(permission.db.index):
            n_large_deltas = _change(permission, paths, level, timestamp, replicate_id, areas, progress)
        else:
            _import(permission, paths, level or "data", timestamp, replicate_id, areas or "auto", progress)
    if n_large_deltas:
        with suppress(DispatcherError), writing(db_dir) as permission:  # it can wait: the change is in the database
            compact(permission)
    progress.done()
    return permission.db.root


def _import(
    permission: Permission,
    paths: Sequence[str],
    level: str,
    timestamp: str | None,
    replicate_id: str | None,
    areas: str,
    progress: Progress,
) -> None:
    if len(paths) > 1:
        raise InputError("a new database is made from one file; apply the others to it afterwards")
    db = permission.db
    with open_input(paths[0]) as source:
        settings = BulkImport(db, level, areas).run(source, timestamp, progress, replicate_id, permission.ask_to_merge)
    write_mirrors(db, settings.timestamp, settings.replicate_id)
    permission.merged(*current_version(db.root))


def _change(
    permission: Permission,
    paths: Sequence[str],
    level: str | None,
    timestamp: str | None,
    replicate_id: str | None,
    areas: str | None,
    progress: Progress,
) -> int:
    """How many deltas have become too large."""
    batches: list[Batch] = []
    for path in paths:
        with open_input(path) as source:
            for batch in source.batches():
                batches.append(batch)
                progress.read(len(batch), source.bytes_read, source.size_bytes)
                permission.prolongate()
            if timestamp is None and path == paths[-1]:
                timestamp = source.header_timestamp
    with WriteTransaction(permission.db, permission.oldest_snapshot) as txn:
        _check_level(txn.settings, level)
        if timestamp is not None:
            txn.settings.timestamp = timestamp
        if replicate_id is not None:
            txn.settings.replicate_id = replicate_id
        if areas is not None:
            txn.settings.areas = areas
        update = ElementUpdate(txn)
        update.apply(batches)
        permission.prolongate()
        update.write()
        update.put_changelog()
        with uninterrupted():
            txn_id = publish(txn, permission.ask_to_merge)
            permission.merged(txn_id, txn.settings.timestamp, txn.settings.replicate_id)
        return update.n_large_deltas


def _check_level(settings: DatabaseSettings, level: str | None) -> None:
    if level is not None and level != settings.level:
        raise UsageError(
            f"the database was made with {LEVEL_FLAG[settings.level]}, so {LEVEL_FLAG[level]} is not possible; "
            "leave the option out, or import into another directory"
        )
