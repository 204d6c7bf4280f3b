"""Opening the index (LMDB). No process may fork while it has one open."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import lmdb

from osm3s.errors import CorruptError, StorageError
from osm3s.paths import DatabaseDir, readers_table
from osm3s.storage import index_keys
from osm3s.storage.index_file import check_index_file, damaged
from osm3s.storage.settings import DatabaseSettings

MIN_MAP_BYTES = 1 << 28
GROWTH_BYTES = 1 << 28
"""By so much commits may enlarge an index between its opening and the beginning of a transaction that reads it."""
MOST_READERS = 1024
READERS_TABLE_BYTES = 192 + (MOST_READERS - 1) * 64
"""Of LMDB's lock file: its head with the first reader, and a line of the processor's cache for each further one."""


def _reason(error: Exception) -> str:
    text = str(error)
    if isinstance(error, lmdb.DiskError):
        return f"the disk is full ({text})"
    if "Input/output error" in text:  # what LMDB makes of a write that is cut short
        return f"the disk is full or broken ({text})"
    return text


def _storage_error(path: str, error: Exception) -> StorageError:
    return StorageError(f"{path}: {_reason(error).removeprefix(f'{path}: ')}")


@contextmanager
def writing(path: str) -> Iterator[None]:
    """While the index at `path` is written: what LMDB fails with becomes a StorageError."""
    try:
        yield
    except lmdb.MapFullError:
        raise  # no failure: there is more to write than was thought
    except lmdb.Error as error:
        raise StorageError(f"{path}: cannot write: {_reason(error)}; nothing was changed") from None


def allocate_readers_table(index: str) -> None:
    """LMDB would map a file that is one hole; filling it on a full disk ends the process with SIGBUS.

    To be called before an index appears; the table may lie there already. Raises StorageError.
    """
    path = readers_table(index)
    is_new = not os.path.exists(path)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
        try:
            if os.fstat(descriptor).st_size < READERS_TABLE_BYTES:
                os.posix_fallocate(descriptor, 0, READERS_TABLE_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        if is_new:  # else readers may stand in it: without it, nobody would know of them
            with suppress(OSError):
                os.unlink(path)
        raise StorageError(f"{path}: cannot write: {error.strerror}; nothing was changed") from None


def open_for_reading(db: DatabaseDir) -> Any:
    """The LMDB environment, read-only. StorageError if there is no database, CorruptError if its index is damaged."""
    if not os.path.exists(db.index):
        raise StorageError(f"{db.root}: no database here: import one with update_database --db-dir={db.root}")
    check_index_file(db.index)
    try:
        return lmdb.open(
            os.fsencode(db.index),
            subdir=False,
            readonly=True,
            map_size=(os.path.getsize(db.index) + GROWTH_BYTES) // 4096 * 4096,
            max_readers=MOST_READERS,
            create=False,
        )
    except (OSError, lmdb.Error) as error:
        raise _storage_error(db.index, error) from None


def open_for_writing(path: str, extra_bytes: int = 0) -> Any:
    """The LMDB environment of `path`, created if need be, with room for its size twice over and `extra_bytes`.

    Raises StorageError, CorruptError."""
    size = 0
    if os.path.exists(path):
        check_index_file(path)
        size = os.path.getsize(path)
    room = max(MIN_MAP_BYTES, 2 * size + 4 * extra_bytes)
    allocate_readers_table(path)
    try:
        return lmdb.open(
            os.fsencode(path),
            subdir=False,
            map_size=room // 4096 * 4096,
            max_readers=MOST_READERS,
            readahead=False,
            meminit=False,
            mode=0o664,
        )
    except lmdb.Error as error:
        raise _storage_error(path, error) from None


def read_apart(db: DatabaseDir) -> None:
    """Read all entries in a process of its own: LMDB trusts its pages, and a damaged one can end who reads it.

    Raises CorruptError if that happens; what LMDB notices by itself is left to the reading that follows.
    """
    pid = os.fork()
    if pid == 0:
        for number in (signal.SIGBUS, signal.SIGSEGV):  # to die of it is an answer, not worth a trace
            signal.signal(number, signal.SIG_DFL)
        with suppress(BaseException), open_for_reading(db) as env, env.begin() as txn:
            for _ in txn.cursor():
                pass
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        raise damaged(db.index, f"reading a page of it ends the process with {name}")


def read_settings(txn: Any) -> DatabaseSettings:
    try:
        packed = txn.get(index_keys.setting("database"))
    except lmdb.Error as error:
        raise CorruptError(f"the index cannot be read ({error}): the database is damaged; import it again") from None
    if packed is None:
        raise StorageError("the index has no settings: the database is damaged; import it again")
    return DatabaseSettings.unpack(bytes(packed))


def settings_in_file(path: str) -> DatabaseSettings:
    """The settings in an index, wherever the file lies; nothing is written. Raises StorageError, CorruptError."""
    check_index_file(path)
    try:
        env = lmdb.open(os.fsencode(path), subdir=False, readonly=True, lock=False, create=False)
    except lmdb.Error as error:
        raise _storage_error(path, error) from None
    try:
        with env.begin() as txn:
            return read_settings(txn)
    except lmdb.Error as error:
        raise _storage_error(path, error) from None
    finally:
        env.close()
