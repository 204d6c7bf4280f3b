"""One update from beginning to end: files -> permission to write -> import or change -> visible."""

from __future__ import annotations

import os

from osm3s.errors import InputError, UsageError
from osm3s.storage.index import open_for_reading
from osm3s.storage.mirrors import write_mirrors
from osm3s.update.bulk_import import BulkImport
from osm3s.update.input_file import open_input
from osm3s.update.permission import Permission, writing
from osm3s.update.progress import Progress


def update_files(
    db_dir: str | None,
    paths: list[str],
    level: str | None,
    timestamp: str | None,
    replicate_id: str | None,
) -> None:
    """Bring the content of files into a database, in one transaction. "-" is standard input.

    `level` None: that of the database, or "data" for a new one. `timestamp` None: what the last file states.
    Raises UsageError, InputError, StorageError, DispatcherError, ContextError; nothing is changed then.
    """
    progress = Progress()
    with writing(db_dir, timestamp or "") as permission:
        if os.path.exists(permission.db.index):
            raise UsageError("changes to a filled database come with the next commit of this program")
        _import(permission, paths, level or "data", timestamp, replicate_id, progress)
    progress.done()


def _import(
    permission: Permission,
    paths: list[str],
    level: str,
    timestamp: str | None,
    replicate_id: str | None,
    progress: Progress,
) -> None:
    if len(paths) > 1:
        raise InputError("a new database is made from one file; apply the others to it afterwards")
    db = permission.db
    with open_input(paths[0]) as source:
        settings = BulkImport(db, level).run(source, timestamp, progress)
    env = open_for_reading(db)
    txn_id = env.info()["last_txnid"]
    env.close()
    write_mirrors(db, settings.timestamp, settings.replicate_id)
    permission.merged(txn_id, settings.timestamp, settings.replicate_id)
