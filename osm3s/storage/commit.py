"""How a change becomes visible: extents and shadow to disk, permission, one LMDB transaction, mirrors.

The only module that publishes. A crash at any place leaves the old state or the new one, see `recovery`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import lmdb

from osm3s import failpoint
from osm3s.paths import DatabaseDir
from osm3s.storage import index_sum
from osm3s.storage.free_extents import LAST_MERGE_KEY
from osm3s.storage.index import writing
from osm3s.storage.mirrors import write_mirrors
from osm3s.storage.shadow import remove_shadow, write_shadow
from osm3s.storage.write_transaction import WriteTransaction


def publish(change: WriteTransaction, ask_to_merge: Callable[[], None] = lambda: None) -> int:
    """Make a transaction visible; return the number of the LMDB transaction that did it.

    `ask_to_merge` is called when everything is safe on disk; if it raises, nothing was changed.
    Raises StorageError: nothing was changed.
    """
    change.complete()
    failpoint.reached("after_extents")
    write_shadow(change.db, change.base_commit, change.extents, change.changes, change.sync)
    failpoint.reached("after_shadow_sync")
    try:
        ask_to_merge()
        failpoint.reached("before_merge")
        change.end_reading()
        txn_id = merge(change.env, change.db, change.changes)
    except BaseException:
        remove_shadow(change.db)  # a merge that did not end well has been undone by LMDB
        raise
    failpoint.reached("after_merge")
    write_mirrors(change.db, change.settings.timestamp, change.settings.replicate_id)
    failpoint.reached("after_mirrors")
    with suppress(OSError):  # the change is visible; a shadow that stays is found to be done by the next writer
        remove_shadow(change.db)  # the last step: as long as there is a shadow, recovery rewrites the mirrors
    failpoint.reached("after_shadow_removed")
    return txn_id


def merge(env: Any, db: DatabaseDir, changes: Mapping[bytes, bytes | None]) -> int:
    """Bring changes into the index in one transaction; return its number. Raises StorageError."""
    while True:
        try:
            with writing(db.index), env.begin(write=True) as txn:
                txn_id: int = txn.id()
                entries = {**changes, LAST_MERGE_KEY: txn_id.to_bytes(8, "big")}
                index_sum.put_changed(txn, entries)
                for number, key in enumerate(sorted(entries)):
                    value = entries[key]
                    if value is None:
                        txn.delete(key)
                    else:
                        txn.put(key, value)
                    if number == 1:
                        failpoint.reached("in_merge")
            return txn_id
        except lmdb.MapFullError:
            env.set_mapsize(env.info()["map_size"] * 2)
