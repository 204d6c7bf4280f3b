"""One update from beginning to end: files -> permission to write -> import or change -> visible."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from osm3s.errors import InputError, UsageError
from osm3s.ffi.batch import Batch
from osm3s.storage.commit import publish
from osm3s.storage.completeness import require_nothing_here, require_sound_areas
from osm3s.storage.mirrors import write_mirrors
from osm3s.storage.recovery import current_version, recover_locked
from osm3s.storage.settings import DatabaseSettings
from osm3s.storage.write_transaction import WriteTransaction
from osm3s.update.apply_changes import ElementUpdate
from osm3s.update.compact import compact_after_commit
from osm3s.update.input_file import open_input
from osm3s.update.permission import Permission, uninterrupted, writing
from osm3s.update.progress import Progress
from osm3s.update.prune_changelog import prune_changelog


class DataVersion(NamedTuple):
    """What a commit says of its data; None: as it was."""

    timestamp: str | None = None
    replicate_id: str | None = None
    replication_url: str | None = None
    areas: str | None = None


LEVEL_FLAG = {"data": "--data-only", "meta": "--meta", "attic": "--keep-attic"}


def update_files(
    db_dir: str | None,
    paths: Sequence[str],
    level: str | None,
    timestamp: str | None,
    replicate_id: str | None,
    areas: str | None = None,
    when_merged: Callable[[], None] = lambda: None,
) -> str:
    """Bring the content of files into a database, in one transaction; return its directory. "-" is standard input.

    `level` None: that of the database, or "data" for a new one. `timestamp` None: what the last file states. `areas`:
    "auto" or "none", whether areas follow the map from now on; None: as before, and for a new database "auto".
    Raises UsageError, InputError, StorageError, DispatcherError, ContextError; nothing is changed then. `when_merged`
    is called once the change is visible: only a signal can end this after it.
    """
    progress = Progress()
    n_large_deltas = 0
    with writing(db_dir, timestamp or "") as permission:
        permission.when_merged = when_merged
        recover_locked(permission.db)
        if os.path.exists(permission.db.index):
            n_large_deltas = _change(permission, paths, level, timestamp, replicate_id, areas, progress)
        else:
            _import(permission, paths, level or "data", timestamp, replicate_id, areas or "auto", progress)
    if n_large_deltas:
        compact_after_commit(db_dir)
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
    from osm3s.update.bulk_import import BulkImport  # now, so that an update starts quickly

    if len(paths) != 1:
        raise InputError(f"{permission.db.root}: no database yet, and it is made from one file, not from {len(paths)}")
    db = permission.db
    require_nothing_here(db)
    require_sound_areas(db)
    with ExitStack() as until_all_is_told, open_input(paths[0]) as source:

        def ask_to_appear() -> None:
            until_all_is_told.enter_context(uninterrupted())
            permission.ask_to_merge()

        until_all_is_told.enter_context(permission.alive())  # for hours, of a large file
        settings = BulkImport(db, level, areas).run(source, timestamp, progress, replicate_id, ask_to_appear)
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
    version = DataVersion(timestamp, replicate_id, areas=areas)
    return commit_changes(permission, batches, version, lambda settings: check_level(settings.level, level))


def commit_changes(
    permission: Permission,
    batches: Sequence[Batch],
    version: DataVersion,
    check: Callable[[DatabaseSettings], None],
) -> int:
    """Apply changed elements to a filled database, in one transaction; return how many deltas have become too large.

    `check` may refuse, by raising, when it sees the settings of what is to be changed.
    """
    require_sound_areas(permission.db)  # now: they follow once the map is changed
    with permission.alive(), WriteTransaction(permission.db, permission.oldest_snapshot) as txn:
        settings = txn.settings
        check(settings)
        settings.timestamp = _or(version.timestamp, settings.timestamp)
        settings.replicate_id = _or(version.replicate_id, settings.replicate_id)
        settings.replication_url = _or(version.replication_url, settings.replication_url)
        settings.areas = _or(version.areas, settings.areas)
        update = ElementUpdate(txn)
        update.apply(batches)
        update.write()
        update.put_changelog()
        prune_changelog(txn)
        with uninterrupted():
            txn_id = publish(txn, permission.ask_to_merge)
            permission.merged(txn_id, settings.timestamp, settings.replicate_id)
        return update.n_large_deltas


def _or(value: str | None, old: str) -> str:
    return old if value is None else value


def check_level(kept: str, wanted: str | None) -> None:
    """Raises UsageError if the database does not keep what it is expected to; None: whatever it is."""
    if wanted not in (None, kept):
        raise UsageError(
            f"the database was made with {LEVEL_FLAG[kept]}, so {LEVEL_FLAG[wanted or kept]} is not possible; "
            "leave the option out, or import into another directory"
        )
