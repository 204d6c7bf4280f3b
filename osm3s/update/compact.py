"""Makes blocks anew whose deltas have grown large: what readers have to merge stays small.

A short transaction of its own, after the commit that brought the changes: nobody waits for it to see them.
"""

from __future__ import annotations

from osm3s.storage.commit import publish
from osm3s.storage.write_transaction import WriteTransaction
from osm3s.update.apply_changes import ElementUpdate
from osm3s.update.permission import Permission, uninterrupted

MOST_BLOCKS = 256
"""Blocks per transaction; bounds its time and size."""


def compact(permission: Permission, most_blocks: int = MOST_BLOCKS) -> int:
    """Make blocks with a delta of more than 2 KiB and a fifth of their base anew; return how many were.

    Elements, timestamp and replication id stay as they are. Raises StorageError, DispatcherError.
    """
    with WriteTransaction(permission.db, permission.oldest_snapshot) as txn:
        update = ElementUpdate(txn)
        n = update.rewrite_due(most_blocks)
        if n:
            update.write()
            with uninterrupted():
                txn_id = publish(txn, permission.ask_to_merge)
                permission.merged(txn_id, txn.settings.timestamp, txn.settings.replicate_id)
    return n
