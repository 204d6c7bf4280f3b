"""A consistent copy of a database, made while it is written and read: the extents and the index of one snapshot.

Free places of the block files become holes of the copy's files: the copy takes no more room than its data.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import lmdb

from osm3s.errors import StorageError, UsageError
from osm3s.paths import DatabaseDir, readers_table
from osm3s.storage import index_sum
from osm3s.storage.free_extents import FREE_KEY, LAST_MERGE_KEY, LATEST_KEY, FreeExtents
from osm3s.storage.index import allocate_readers_table, open_for_reading, open_for_writing, read_settings
from osm3s.storage.mirrors import write_mirrors
from osm3s.storage.settings import DatabaseSettings

PART_BYTES = 64 << 20
ENTRIES_PER_TXN = 50_000
TEMPORARY_ENDING = ".part"


def clone(root: str, into: str, opened: Callable[[int], None] = lambda txn_id: None) -> None:
    """Copy the map of the database directory `root`, and its areas, into the directory `into`.

    `opened` is told the transaction number of the snapshot of the map. The index appears last: without it there is no
    database. Raises UsageError if one is there already, StorageError.
    """
    source, target = DatabaseDir(root), DatabaseDir(into)
    for domain in (target, target.areas):
        if domain.exists:
            raise UsageError(f"{into}: there is a database already: remove it, or take another directory")
    try:
        os.makedirs(into, exist_ok=True)
        with ExitStack() as stack:
            # areas first: what they were made from must not be newer than the map
            areas = stack.enter_context(_Version.of(source.areas)) if source.areas.exists else None
            with _Version.of(source) as of_map:
                opened(of_map.txn.id())
                of_map.copy(target)
            write_mirrors(target, of_map.settings.timestamp, of_map.settings.replicate_id)
            if areas:
                areas.copy(target.areas)
                write_mirrors(target.areas, areas.settings.timestamp, "")
    except OSError as error:
        raise StorageError(f"{error.filename or into}: {error.strerror}; the clone is not complete") from None
    except lmdb.Error as error:
        raise StorageError(f"{into}: {error}; the clone is not complete") from None


class _Version:
    """One version of a domain, pinned."""

    def __init__(self, db: DatabaseDir, txn: Any) -> None:
        self.db, self.txn = db, txn
        self.settings: DatabaseSettings = read_settings(txn)
        # no reader of the copy has a version before its first
        self._free = FreeExtents(txn.get(FREE_KEY), txn.get(LATEST_KEY), 0, None)

    @classmethod
    @contextmanager
    def of(cls, db: DatabaseDir) -> Iterator[_Version]:
        env = open_for_reading(db)
        try:
            with env.begin(buffers=True) as txn:
                yield cls(db, txn)
        finally:
            env.close()

    def copy(self, target: DatabaseDir) -> None:
        for file, length in enumerate(self.settings.file_len):
            if os.path.exists(self.db.block_file(file)):
                holes = sorted((offset, n) for n, offset in self._free.usable(file))
                _copy_extents(self.db.block_file(file), target.block_file(file), length, holes)
        temporary = target.index + TEMPORARY_ENDING
        _remove_index(temporary)
        try:
            self._copy_index(temporary)
            allocate_readers_table(target.index)
            os.rename(temporary, target.index)
        finally:
            _remove_index(temporary)
        _sync_directory(target.root)

    def _copy_index(self, path: str) -> None:
        env = open_for_writing(path, os.path.getsize(self.db.index))
        try:
            free, latest = self._free.pack()
            replaced = {FREE_KEY: free, LATEST_KEY: latest, LAST_MERGE_KEY: bytes(8)}
            cursor = self.txn.cursor()
            more = cursor.first()
            while more:
                with env.begin(write=True) as txn:
                    for _ in range(ENTRIES_PER_TXN):
                        key = bytes(cursor.key())
                        txn.put(key, replaced.get(key, cursor.value()), append=True)
                        more = cursor.next()
                        if not more:
                            break
            if self.txn.get(index_sum.KEY) is not None:
                with env.begin(write=True) as txn:
                    index_sum.put_whole(txn)
            env.sync(True)
        finally:
            env.close()


def _copy_extents(source: str, target: str, length: int, holes: list[tuple[int, int]]) -> None:
    """Copy the first `length` bytes without the holes (offset, length)."""
    with open(source, "rb") as reading, open(target, "wb") as writing:
        os.ftruncate(writing.fileno(), length)
        length = min(length, os.fstat(reading.fileno()).st_size)  # what is stated may be rounded up
        begin = 0
        for offset, n in [*holes, (length, 0)]:
            _copy_range(reading.fileno(), writing.fileno(), begin, min(offset, length))
            begin = max(begin, offset + n)
        os.fdatasync(writing.fileno())


def _copy_range(source: int, target: int, begin: int, end: int) -> None:
    """In the kernel, and on some file systems without copying anything, if that is possible between the two files."""
    in_kernel = True
    while begin < end:
        n = 0
        if in_kernel:
            with suppress(OSError):
                n = os.copy_file_range(source, target, min(end - begin, PART_BYTES), begin, begin)
            in_kernel = n > 0
        if not n:
            data = os.pread(source, min(end - begin, PART_BYTES), begin)
            n = os.pwrite(target, data, begin)
        if not n:
            raise StorageError("a block file is shorter than its index says: the database is damaged")
        begin += n


def _remove_index(path: str) -> None:
    for name in (path, readers_table(path)):
        with suppress(FileNotFoundError):
            os.unlink(name)


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
