"""The first import of a full history: all versions of all elements go into an empty database like changes.

So a history is stored exactly as if its changes had come one after the other. What does not fit into memory is cut by
time into slices, which are files in the database directory and are applied one after the other.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from typing import Any, Protocol

from osm3s.errors import InputError
from osm3s.ffi.batch import Batch
from osm3s.paths import DatabaseDir
from osm3s.storage.commit import publish
from osm3s.storage.settings import DatabaseSettings
from osm3s.storage.write_transaction import WriteTransaction
from osm3s.update.apply_changes import ElementUpdate
from osm3s.update.import_order import MOST_HELD, import_order
from osm3s.update.input_file import InputFile, open_input

ENOUGH_TO_TELL = 200_000
"""With so many elements of a sorted file, each in one version, it is no history."""
SLICE_VERSIONS = 50_000
"""Versions that are applied at a time, some two kilobytes of memory each."""
OPEN_SLICES = 32
"""Slices that are written in one reading of the file."""
DAY_S = 86_400
NO_END_S = 1 << 33


class History(Protocol):
    """All versions in a file."""

    def apply_to(self, db: DatabaseDir) -> DatabaseSettings:
        """Bring the versions into an empty database that nobody reads; what is in its settings then."""
        ...


class HeldHistory:
    """All versions in a file, held in memory."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = batches

    def apply_to(self, db: DatabaseDir) -> DatabaseSettings:
        return _apply(db, self._batches)


class SlicedHistory:
    """A history file that is read several times: for the number of versions of each day, then for the slices."""

    def __init__(self, path: str) -> None:
        self._path = path

    def apply_to(self, db: DatabaseDir) -> DatabaseSettings:
        """Raises InputError if the file is damaged."""
        settings: DatabaseSettings | None = None
        ends = self._ends_of_slices()
        for first in range(0, len(ends), OPEN_SLICES):
            since_s = ends[first - 1] if first else 0
            for path in self._write_slices(since_s, ends[first : first + OPEN_SLICES], db.root):
                with open_input(path) as slice_:
                    settings = _apply(db, list(slice_.batches()))
                os.unlink(path)
        assert settings is not None, "the last slice has no end"
        return settings

    def _ends_of_slices(self) -> list[int]:
        """Times at which slices end, themselves excluded, in seconds since 1970."""
        per_day = Counter(int(version.timestamp.timestamp()) // DAY_S for version in self._versions())
        days = sorted(per_day)
        ends: list[int] = []
        before = 0
        for day, total in zip(days, accumulate(per_day[day] for day in days), strict=True):
            if total - before > SLICE_VERSIONS and before < total - per_day[day]:
                before = total - per_day[day]
                ends.append(day * DAY_S)
        return [*ends, NO_END_S]

    def _write_slices(self, since_s: int, ends: Sequence[int], directory: str) -> list[str]:
        """Files with the versions from a time to the first end, from there to the second, and so on."""
        import osmium  # here, because only large histories need it

        paths = [os.path.join(directory, f"slice-{end_s}.osh.pbf") for end_s in ends]
        writers = [osmium.SimpleWriter(path, bufsz=1 << 16, overwrite=True) for path in paths]
        try:
            for version in self._versions():
                begun_s = int(version.timestamp.timestamp())
                if since_s <= begun_s < ends[-1]:
                    writers[bisect_right(ends, begun_s)].add(version)
        finally:
            for writer in writers:
                writer.close()
        return paths

    def _versions(self) -> Iterator[Any]:
        import osmium

        try:
            yield from osmium.FileProcessor(self._path)
        except RuntimeError as error:
            raise InputError(f"{self._path}: {error}") from None


def _apply(db: DatabaseDir, batches: Sequence[Batch]) -> DatabaseSettings:
    with WriteTransaction(db) as txn:
        update = ElementUpdate(txn)
        update.apply(batches)
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
        if source.has_history and n > SLICE_VERSIONS and source.sorted_path:
            return SlicedHistory(source.sorted_path), iter(())
        if n > most and not source.has_history:
            break
    if source.has_history:
        return HeldHistory(held), iter(())
    return None, import_order(source, chain(held, batches))
