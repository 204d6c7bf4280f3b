"""Forgets what commits of long ago have changed, so that the index does not grow for ever.

The areas follow the changelog, and `changed` asks it for what the metadata does not tell; neither looks back that far.
Of a database with attic nothing is forgotten: history is what it is for.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from osm3s.storage import changelog, index_keys
from osm3s.storage.write_transaction import WriteTransaction

KEPT = timedelta(days=31)
"""Of data time: commits whose data is older than the newest by more than this are forgotten."""
MOST_ENTRIES = 64
"""Per commit; bounds what is added to its time."""


def prune_changelog(txn: WriteTransaction) -> None:
    """Remove the oldest entries in a transaction that has its new timestamp."""
    settings = txn.settings
    newest = _time(settings.timestamp)
    if settings.level == "attic" or newest is None:
        return
    cursor = txn.txn.cursor()
    more = cursor.set_range(index_keys.changelog(settings.pruned_commit + 1))
    for _ in range(MOST_ENTRIES):
        key = bytes(cursor.key()) if more else b""
        if key[:1] != index_keys.CHANGELOG:
            return
        committed = _time(changelog.timestamp_of(cursor.value()))
        if committed is None or newest - committed <= KEPT:
            return
        txn.delete(key)
        settings.pruned_commit = int.from_bytes(key[1:], "big")
        more = cursor.next()


def _time(timestamp: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    return time if time.tzinfo else None
