"""A change of the database in the making: new extents in the block files, changed index entries in memory.

Nothing of it is visible before `commit.publish`. The caller has the permission to write.
"""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Any

from osm3s.ffi import check, ffi, lib
from osm3s.paths import DatabaseDir
from osm3s.storage import index_keys
from osm3s.storage.block_files import BlockWriter, checksum
from osm3s.storage.completeness import require_complete
from osm3s.storage.directory_pages import DirectoryPages
from osm3s.storage.free_extents import FREE_KEY, LAST_MERGE_KEY, LATEST_KEY, FreeExtents, rounded
from osm3s.storage.index import open_for_writing, read_settings
from osm3s.storage.settings import N_FILES, DatabaseSettings
from osm3s.storage.shadow import WrittenExtent

SPARE_BYTES = 1 << 28
"""Room in the index that a commit finds without having to enlarge the map."""


class WriteTransaction:
    """`snapshot` is the native snapshot of the version that is being changed; `settings` are those to be committed."""

    def __init__(self, db: DatabaseDir, oldest_snapshot: int | None = None) -> None:
        """`oldest_snapshot`: of readers that the caller knows of; those in LMDB's table count in any case.

        Raises StorageError, CorruptError.
        """
        self.db = db
        self.changes: dict[bytes, bytes | None] = {}
        """Index key -> new value; None: removed."""
        self.env = open_for_writing(db.index, SPARE_BYTES)
        self.extents: list[WrittenExtent] = []
        """What has been written into the block files."""
        self._writers: dict[int, BlockWriter] = {}
        try:
            self.env.reader_check()
            oldest = _oldest_reader(self.env)
            if oldest_snapshot is not None:
                oldest = min(oldest_snapshot, oldest) if oldest is not None else oldest_snapshot
            self.txn = self.env.begin(buffers=True)
            self.settings = read_settings(self.txn)
            self.base_commit = self.settings.commit
            require_complete(self.settings, db)
            cut_leftovers(db, self.settings)
            self.snapshot: Any = ffi.gc(lib.osm3s_snapshot_new(), lib.osm3s_snapshot_free)
            for file in range(N_FILES):
                check(lib.osm3s_snapshot_map(self.snapshot, file, os.fsencode(db.block_file(file))))
            self.directory = DirectoryPages(self.txn, self.snapshot)
            check(lib.osm3s_snapshot_seal(self.snapshot))
            last_merge = self.txn.get(LAST_MERGE_KEY)
            self._free = FreeExtents(
                self.txn.get(FREE_KEY),
                self.txn.get(LATEST_KEY),
                int.from_bytes(last_merge, "big") if last_merge else 0,
                oldest,
            )
        except BaseException:
            self.close()
            raise

    # --- the index --------------------------------------------------------------------------------------------------

    def get(self, key: bytes) -> Any:
        """The entry as it was before all changes, or None."""
        return self.txn.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self.changes[key] = value

    def delete(self, key: bytes) -> None:
        self.changes[key] = None

    # --- extents ----------------------------------------------------------------------------------------------------

    def write_extent(self, file: int, *frames: bytes | memoryview) -> int:
        """Write frames one after the other to a free place of a block file; return its offset."""
        writer = self._writers.get(file)
        if writer is None:
            # the rest of the last unit belongs to the extent that ends in it, also when that has another content now
            writer = BlockWriter(self.db.block_file(file), rounded(self.settings.file_len[file]))
            self._writers[file] = writer
        content = b"".join(frames)
        offset = self._free.take(file, len(content), self.settings.file_len[file])
        if offset is None:
            offset = writer.append(content)
        else:
            writer.write_at(offset, content)
        self.extents.append(WrittenExtent(file, len(content), offset, checksum(content)))
        return offset

    def free_extent(self, file: int, offset: int, length: int) -> None:
        """What is there is not needed any more once this transaction is visible."""
        self._free.free(file, offset, length)

    @property
    def bytes_written(self) -> int:
        """Bytes of extents that have gone to the files so far."""
        return sum(writer.bytes_written for writer in self._writers.values())

    # --- the end ----------------------------------------------------------------------------------------------------

    def complete(self) -> None:
        """Write what is left, count the commit: after this come only the shadow, `sync` and the merge."""
        self.directory.write(self)
        for file, writer in self._writers.items():
            writer.flush()
            self.settings.file_len[file] = writer.position
        self.settings.commit = self.base_commit + 1
        free, latest = self._free.pack()
        self.put(FREE_KEY, free)
        self.put(LATEST_KEY, latest)
        self.put(index_keys.setting("database"), self.settings.pack())

    def sync(self, descriptor: int) -> None:
        """Bring the extents and a file that is open to the disk.

        At the same time, since they wait for the same journal: all files together take hardly longer than one.
        Raises StorageError, OSError.
        """
        failures: list[BaseException] = []

        def sync(writer: BlockWriter) -> None:
            try:
                writer.sync()
            except BaseException as error:
                failures.append(error)

        threads = [Thread(target=sync, args=(writer,)) for writer in self._writers.values()]
        for thread in threads:
            thread.start()
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            failures.append(error)
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def end_reading(self) -> None:
        """Give up the read transaction, so that a write transaction can begin."""
        self.txn.abort()

    def close(self) -> None:
        """Without a merge before, the change is forgotten, and the room that it took on the disk given back."""
        for writer in self._writers.values():
            writer.close()
        with suppress(Exception):
            self.txn.abort()
        if self._writers:
            with suppress(Exception), self.env.begin() as txn:
                cut_leftovers(self.db, read_settings(txn))
        self._writers.clear()
        self.env.close()

    def __enter__(self) -> WriteTransaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def cut_leftovers(db: DatabaseDir, settings: DatabaseSettings) -> None:
    """End each block file where its last extent ends, by the settings in the index.

    What lies behind is of a change that was not committed: no version has it, but it might fill the disk. As long as
    there is a shadow, the change may still become one.
    """
    if os.path.exists(db.shadow):
        return
    for file, length in enumerate(settings.file_len):
        path = db.block_file(file)
        with suppress(OSError):
            if os.path.getsize(path) > rounded(length):
                os.truncate(path, rounded(length))


def _oldest_reader(env: Any) -> int | None:
    """Transaction number of the oldest snapshot in LMDB's table of readers, or None."""
    numbers = [line.split()[-1] for line in env.readers().splitlines()[1:] if line.strip()]
    return min((int(number) for number in numbers if number.isdecimal()), default=None)
