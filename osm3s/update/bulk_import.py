"""The first import: elements of one file -> a whole database, built beside its place, appearing by one rename.

Everything is written to `osm_base.import/` in the database directory. The index is renamed last: before that rename
there is no database, after it there is all of it. What an interrupted import leaves is removed by the next one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from osm3s import failpoint
from osm3s.errors import InputError, StorageError
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.batch import Batch
from osm3s.paths import DatabaseDir
from osm3s.storage import index_keys, index_sum
from osm3s.storage.block_files import BlockWriter, checksum, compress_meta
from osm3s.storage.directory import ENTRIES_PER_PAGE, DirectoryEntry
from osm3s.storage.empty_domain import sync_directory
from osm3s.storage.index import allocate_readers_table, open_for_writing, writing
from osm3s.storage.settings import N_FILES, DatabaseSettings
from osm3s.update.history import History, history_of
from osm3s.update.import_order import import_order
from osm3s.update.input_file import InputFile
from osm3s.update.progress import Progress

DELTAS, ATTIC = 4, 5
PARALLEL_FAMILIES = ((0, 1), (2, 3))
ARENA_BYTES = 160 << 20
"""Memory of one sorted run; a pile holds two arenas while it is being filled."""
INDEX_ROOM_BYTES = 1 << 34
ID_PAGES_PER_TXN = 20_000


class BulkImport:
    """Builds a database in `db.import_dir` and puts it in place."""

    def __init__(self, db: DatabaseDir, level: str, areas: str) -> None:
        self._db = db
        self._temporary = DatabaseDir(db.import_dir)
        self._settings = DatabaseSettings(level=level, commit=1, map_id=os.urandom(8).hex(), areas=areas)
        self._native: Any = ffi.NULL

    def run(
        self,
        source: InputFile,
        timestamp: str | None,
        progress: Progress,
        replicate_id: str | None = None,
        ask_to_appear: Callable[[], None] = lambda: None,
    ) -> DatabaseSettings:
        """Import all elements. `timestamp` and `replicate_id` None: take those of the file's header.

        `ask_to_appear` is called when all is safe on disk; if it raises, nothing appears.
        Raises InputError if the file is no good, StorageError if the disk is; the place is then as before.
        """
        discard_leftovers(self._db)
        try:
            os.makedirs(self._temporary.root)
        except OSError as error:
            raise StorageError(f"{self._temporary.root}: {error.strerror}") from None
        try:
            times = lib.OSM3S_TIMES_SINCE if self._settings.level == "attic" else lib.OSM3S_TIMES_NONE
            self._native = lib.osm3s_import_new(os.fsencode(self._temporary.root), ARENA_BYTES, times)
            if self._native == ffi.NULL:
                raise StorageError("not enough memory to start an import")
            history: History | None = None
            if self._settings.level == "attic":
                history, batches = history_of(source)
            else:
                batches = import_order(source)
            self._read(source, batches, progress)
            self._settings.timestamp = timestamp if timestamp is not None else source.header_timestamp or ""
            self._settings.replicate_id, self._settings.replication_url = source.replication
            if replicate_id not in (None, self._settings.replicate_id):
                self._settings.replicate_id, self._settings.replication_url = replicate_id or "", ""
            with writing(self._temporary.index):
                self._write(progress)
            if history is not None:
                self._settings = history.apply_to(self._temporary)
            allocate_readers_table(self._db.index)
            ask_to_appear()
            self._appear()
        finally:
            lib.osm3s_import_free(self._native)
            self._native = ffi.NULL
            shutil.rmtree(self._temporary.root, ignore_errors=True)
        return self._settings

    # --- reading ----------------------------------------------------------------------------------------------------

    def _read(self, source: InputFile, batches: Iterator[Batch], progress: Progress) -> None:
        for batch in batches:
            code = lib.osm3s_import_add(self._native, batch.c)
            if code == lib.OSM3S_UNSORTED:
                raise UnsortedInput(source.name)
            check(code)
            progress.read(len(batch), source.bytes_read, source.size_bytes)
        check(lib.osm3s_import_end_of_input(self._native))

    # --- writing ----------------------------------------------------------------------------------------------------

    def _write(self, progress: Progress) -> None:
        env = open_for_writing(self._temporary.index, INDEX_ROOM_BYTES // 4)
        try:
            self._write_blocks(env, progress)
            for file in (DELTAS, ATTIC):
                open(self._temporary.block_file(file), "wb").close()
            self._write_pages(env)
            counts = ffi.new("uint64_t[3]")
            lib.osm3s_import_counts(self._native, counts)
            self._settings.n_elements = list(counts)
            with env.begin(write=True) as txn:
                txn.put(index_keys.setting("database"), self._settings.pack())
                index_sum.put_whole(txn)
            failpoint.reached("import_before_index_sync")
            env.sync(True)
        finally:
            env.close()

    def _write_blocks(self, env: Any, progress: Progress) -> None:
        """Nodes in one thread, ways and relations in another: the core releases the interpreter's lock."""
        with ThreadPoolExecutor(len(PARALLEL_FAMILIES)) as threads:
            futures = [threads.submit(self._write_families, families, progress) for families in PARALLEL_FAMILIES]
            directory = [entry for future in futures for entry in future.result()]
        with env.begin(write=True) as txn:
            for family, entries in directory:
                for start in range(0, len(entries), ENTRIES_PER_PAGE):
                    put_directory_page(txn, family, entries[start : start + ENTRIES_PER_PAGE])

    def _write_families(self, families: tuple[int, ...], progress: Progress) -> list[tuple[int, list[DirectoryEntry]]]:
        directory = []
        for family in families:
            with BlockWriter(self._temporary.block_file(family)) as writer:
                directory.append((family, list(self._blocks(family, writer, progress))))
                failpoint.reached(f"import_before_sync_{family}")
                writer.sync()
                self._settings.file_len[family] = writer.position
        return directory

    def _blocks(self, family: int, writer: BlockWriter, progress: Progress) -> Iterator[DirectoryEntry]:
        block = ffi.new("osm3s_block *")
        order_key = ffi.new("uint64_t *")
        block_id = ffi.new("uint32_t *")
        element_type = max(0, family - 1)
        with_meta = self._settings.level != "data"
        while check(lib.osm3s_import_next_block(self._native, family, block, order_key, block_id)):
            head = ffi.buffer(block.block, block.head_len)
            body = ffi.buffer(block.block + block.head_len, block.body_len)
            meta = compress_meta(ffi.buffer(block.meta, block.meta_len)) if with_meta and block.meta_len else b""
            yield DirectoryEntry(
                order_key=order_key[0],
                id=block_id[0],
                n=block.n,
                base_offset=writer.append(head, body, meta),
                head_sum=checksum(head),
                body_sum=checksum(body),
                meta_sum=checksum(meta),
                head_len=block.head_len,
                body_len=block.body_len,
                meta_len=len(meta),
                newest=block.newest if with_meta else 0,
                south=block.bbox.south,
                west=block.bbox.west,
                north=block.bbox.north,
                east=block.bbox.east,
            )
            self._settings.next_block_id[element_type] = block_id[0] + 1
            progress.wrote(block.n)

    def _write_pages(self, env: Any) -> None:
        key = ffi.new("osm3s_bytes *")
        value = ffi.new("osm3s_bytes *")
        more = True
        while more:
            with env.begin(write=True) as txn:
                for _ in range(ID_PAGES_PER_TXN):
                    more = bool(check(lib.osm3s_import_next_page(self._native, key, value)))
                    if not more:
                        break
                    name = bytes(ffi.buffer(key.data, key.len))
                    if name[:1] == index_keys.TAGS:
                        self._settings.next_serial += 1
                    if name[:1] == index_keys.USERS and self._settings.level == "data":
                        continue
                    txn.put(name, ffi.buffer(value.data, value.len))

    # --- appearing --------------------------------------------------------------------------------------------------

    def _appear(self) -> None:
        """Move the files to their place, the index last: its rename is the moment at which the database exists.

        Raises StorageError: there is none then.
        """
        failpoint.reached("import_before_rename")
        try:
            for file in range(N_FILES):
                os.rename(self._temporary.block_file(file), self._db.block_file(file))
            sync_directory(self._db.root)
            failpoint.reached("import_before_index_rename")
            os.rename(self._temporary.index, self._db.index)
            try:
                sync_directory(self._db.root)
            except OSError:
                os.rename(self._db.index, self._temporary.index)  # nobody knows whether it would be there tomorrow
                raise
        except OSError as error:
            for file in range(N_FILES):
                with suppress(OSError):
                    os.rename(self._db.block_file(file), self._temporary.block_file(file))
            raise StorageError(f"{self._db.root}: cannot write: {error.strerror}; nothing was changed") from None
        failpoint.reached("import_after_index_rename")


class UnsortedInput(InputError):
    """The elements of the file are not sorted by type and id, as those of all planet files and extracts are."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name}: elements are not sorted by type and id; sort the file first (osmium sort), nothing was changed"
        )


def put_directory_page(txn: Any, family: int, page: list[DirectoryEntry]) -> None:
    key = index_keys.directory_page(family, page[0].order_key, page[0].id)
    txn.put(key, b"".join(entry.pack() for entry in page))


def discard_leftovers(db: DatabaseDir) -> None:
    """Remove what an interrupted import has left."""
    shutil.rmtree(db.import_dir, ignore_errors=True)
