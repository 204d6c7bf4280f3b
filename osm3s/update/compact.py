"""Makes blocks anew whose deltas have grown large: what readers have to merge stays small.

A short transaction of its own, after the commit that brought the changes: nobody waits for it to see them.
"""

from __future__ import annotations

import sys

import lmdb

from osm3s.errors import DispatcherError, Osm3sError
from osm3s.paths import OSM_BASE
from osm3s.storage.commit import publish
from osm3s.storage.recovery import recover_locked
from osm3s.storage.write_transaction import WriteTransaction
from osm3s.update.apply_changes import ElementUpdate
from osm3s.update.permission import Permission, uninterrupted, writing

MOST_BLOCKS = 256
"""Blocks per transaction; bounds its time and size."""


def compact(permission: Permission, most_blocks: int = MOST_BLOCKS) -> int:
    """Make blocks with a delta of more than 2 KiB and a fifth of their base anew; return how many were.

    Elements, timestamp and replication id stay as they are. Raises StorageError, DispatcherError.
    """
    with permission.alive(), WriteTransaction(permission.db, permission.oldest_snapshot) as txn:
        update = ElementUpdate(txn)
        n = update.rewrite_due(most_blocks)
        if n:
            update.write()
            with uninterrupted():
                txn_id = publish(txn, permission.ask_to_merge)
                permission.merged(txn_id, txn.settings.timestamp, txn.settings.replicate_id)
    return n


def compact_after_commit(db_dir: str | None, domain: str = OSM_BASE) -> None:
    """`compact`, behind a commit, which stands whatever happens here: trouble is told, and left to a later update."""
    try:
        with writing(db_dir, domain=domain) as permission:
            recover_locked(permission.db)  # of another writer that came between
            compact(permission)
    except DispatcherError:
        pass  # it stops, or somebody else writes
    except (Osm3sError, OSError, lmdb.Error) as error:
        print(f"The update is done, its blocks are not compacted: {error}. A later update does it.", file=sys.stderr)
