"""The permission to write: from the dispatcher if one runs, else by locking the database directory.

Every writer locks the directory (flock), so that one that started without a dispatcher and one that has a dispatcher
exclude each other, too. A writer without dispatcher also leaves its pid where a dispatcher that starts meanwhile looks.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from osm3s.dispatch.client import DispatcherClient
from osm3s.dispatch.lock_file import lock_text
from osm3s.dispatch.session import WriteSession
from osm3s.dispatch.version import Version
from osm3s.errors import ContextError, DispatcherError, StorageError
from osm3s.paths import OSM_BASE, DatabaseDir
from osm3s.storage.recovery import open_writer_lock


class Permission:
    """What its holder may do: write beside the data, and merge once `ask_to_merge` has returned."""

    def __init__(self, db: DatabaseDir, session: WriteSession | None) -> None:
        self.db = db
        self.oldest_snapshot: int | None = (session.oldest_snapshot or None) if session else None
        """LMDB transaction number of the oldest snapshot that the dispatcher knows a reader of; None: none known."""
        self.when_merged: Callable[[], None] = lambda: None
        """Called once the change is visible, before any signal is taken notice of."""
        self._session = session

    def ask_to_merge(self) -> None:
        """Raises DispatcherError if the change must be discarded."""
        if self._session:
            self._session.commit()

    def prolongate(self) -> None:
        if self._session:
            self._session.prolongate()

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Inside, a thread gives the signs of life: for work that may take longer than the dispatcher waits for one.

        Not for reading an input: who waits for it in vain has to lose the permission.
        """
        if self._session is None:
            yield
            return
        with self._session.kept_alive():
            yield

    def merged(self, txn_id: int, timestamp: str, replicate_id: str) -> None:
        """The change is visible: tell everybody. If the dispatcher has gone, the next one finds the version itself."""
        self.when_merged()
        if self._session:
            with suppress(DispatcherError):
                self._session.done(Version(txn_id, timestamp, replicate_id))


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Signals that end a program wait: between the permission to merge and the news that it is done, none may come.

    Blocking them alone would not do: where there are other threads one of those gets them, and Python handles them in
    this one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # no signal is handled here
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, lambda number, frame: came.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, before)  # system calls of the libraries are not interrupted
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for late in came:
            signal.raise_signal(late)


@contextmanager
def writing(db_dir: str | None, timestamp: str = "", domain: str = OSM_BASE) -> Iterator[Permission]:
    """Wait for the permission to write a domain of the database in `db_dir`, or of the running dispatcher (None).

    Raises DispatcherError, ContextError (a dispatcher runs but does not answer), StorageError (no such directory).
    """
    client = _dispatcher(db_dir, domain)
    db = DatabaseDir(client.db_dir if client else os.path.realpath(db_dir or "."), domain)
    if client is None:
        with _directory(db.root), directory_locked(db), _pid_in_lock_file(db):
            yield Permission(db, None)
        return
    with client, client.writing(timestamp) as session, directory_locked(db):
        yield Permission(db, session)


@contextmanager
def _directory(path: str) -> Iterator[None]:
    """A directory that may have to be made; it goes again if nothing was put into it. Raises StorageError."""
    missing, parent = [], path
    while not os.path.lexists(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    try:
        try:
            os.makedirs(path, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{error.filename or path}: {error.strerror}") from None
        yield
    finally:
        for made in missing:
            with suppress(OSError):  # it holds something
                os.rmdir(made)


def _dispatcher(db_dir: str | None, domain: str) -> DispatcherClient | None:
    try:
        return DispatcherClient.connect(db_dir, domain=domain)
    except DispatcherError:
        if not db_dir:
            raise
    if _is_held(DatabaseDir(os.path.realpath(db_dir), domain).dispatcher_instance()):
        raise ContextError(
            f"{db_dir}: a dispatcher manages this database but cannot be reached: "
            "wait, or stop it (dispatcher --terminate)"
        )
    return None


def _is_held(path: str) -> bool:
    """Whether a process has this file locked."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def directory_locked(db: DatabaseDir) -> Iterator[None]:
    """Hold the writer's lock of a domain; waits for as long as another writer has it."""
    try:
        descriptor = open_writer_lock(db)
    except OSError as error:
        raise StorageError(f"{db.writer_lock}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _pid_in_lock_file(db: DatabaseDir) -> Iterator[None]:
    try:
        try:
            with open(db.lock, "w", encoding="ascii") as lock:
                lock.write(lock_text(os.getpid(), alone=True))
        except OSError as error:
            raise StorageError(f"{db.lock}: {error.strerror}; nothing was changed") from None
        yield
    finally:
        with suppress(OSError):
            os.unlink(db.lock)
