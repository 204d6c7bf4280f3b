"""The first import of a full history: all versions of all elements go into an empty database like one large change.

So a history is stored exactly as if its changes had come one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from osm3s.ffi.batch import Batch
from osm3s.paths import DatabaseDir
from osm3s.storage.commit import publish
from osm3s.storage.settings import DatabaseSettings
from osm3s.storage.write_transaction import WriteTransaction
from osm3s.update.apply_changes import ElementUpdate
from osm3s.update.import_order import MOST_HELD, import_order
from osm3s.update.input_file import InputFile

ENOUGH_TO_TELL = 200_000
"""With so many elements of a sorted file, each in one version, it is no history."""


class History:
    """All versions in a file, held in memory."""

    def __init__(self, batches: list[Batch]) -> None:
        self._batches = batches

    def apply_to(self, db: DatabaseDir) -> DatabaseSettings:
        """Bring the versions into an empty database that nobody reads; what is in its settings then."""
        with WriteTransaction(db) as txn:
            update = ElementUpdate(txn)
            update.apply(self._batches)
            update.write()
            publish(txn)
            return txn.settings


def history_of(source: InputFile) -> tuple[History | None, Iterator[Batch]]:
    """If a file has several versions of its elements: those, and no batches; else None, and its batches to be imported.

    Most files say so at the beginning. Of the others it is known when two versions follow on each other."""
    batches, held, n = source.batches(), list[Batch](), 0
    most = MOST_HELD if source.may_be_unsorted else ENOUGH_TO_TELL
    for batch in batches:
        held.append(batch)
        n += len(batch)
        if n > most and not source.has_history:
            break
    if source.has_history:
        return History(held), iter(())
    return None, import_order(source, chain(held, batches))
