"""One dispatcher per database: what a running one owns, and how it takes over what a killed one has left.

| object | owned by | left by a kill |
|---|---|---|
| `….instance` beside the data and beside the socket | flock, until the process ends | a file without lock |
| the Unix socket | whoever holds the flocks | a file that nobody listens on |
| status page of the database, and the same page as "started last" | whoever holds the flocks | readers to look after |
| `osm_base.lock` | the writer, through the dispatcher | pid of a writer to look after |
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket

from osm3s.dispatch import status_page
from osm3s.dispatch.lock_file import LONGEST, lock_text, read_lock
from osm3s.dispatch.processes import started_before
from osm3s.errors import DispatcherError
from osm3s.paths import OSM_BASE, SOCKET_PATH_MAX_BYTES, DatabaseDir
from osm3s.paths import status_page as page_path

BACKLOG = 1024


class Instance:
    """Everything a running dispatcher owns on the file system."""

    def __init__(self, db_dir: str, socket_dir: str | None = None, domain: str = OSM_BASE) -> None:
        """Take possession. Raises DispatcherError if another dispatcher runs here or a file cannot be made."""
        self.db = DatabaseDir(os.path.realpath(db_dir), domain)
        self._page_path = page_path(self.db.root, domain)
        socket_dir = os.path.realpath(socket_dir) if socket_dir else None
        self.socket_path = self.db.socket(socket_dir)
        self._held: dict[str, int] = {}
        if not os.path.isdir(self.db.root):
            raise DispatcherError(f"{db_dir} is not a directory: give the place of the database with --db-dir=")
        self._directory = os.open(self.db.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        """Held open as long as this process lives: the one that is meant."""
        if len(os.fsencode(self.socket_path)) > SOCKET_PATH_MAX_BYTES:
            raise DispatcherError(
                f"the path of the socket, {self.socket_path}, is longer than {SOCKET_PATH_MAX_BYTES} bytes: "
                "give a shorter one with --socket-dir="
            )
        try:
            for path in dict.fromkeys((self.db.dispatcher_instance(), self.db.dispatcher_instance(socket_dir))):
                self._held[path] = _locked(path)
            self.survivors = status_page.survivors(self._page_path)
            self.writer_pid, self.writer_alone = self._writer_left_behind()
            self.listener = self._listen()
            try:
                self.page = status_page.Page(self._page_path, self.db.root, self.socket_path)
                self.page.keep_survivors(self.survivors)
                self._become_default()
            except BaseException:
                self.listener.close()
                _unlink(self.socket_path)
                raise
        except BaseException as error:
            self._release()
            if isinstance(error, OSError):
                what = f"{error.strerror} ({error.filename or self.socket_path})"
                raise DispatcherError(f"cannot start the dispatcher: {what}", errno=error.errno or 0) from None
            raise

    def _listen(self) -> socket.socket:
        _unlink(self.socket_path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        umask = os.umask(0)
        try:
            listener.bind(self.socket_path)  # mode 0777 less the umask; clients need to write
        finally:
            os.umask(umask)
        os.chmod(self.socket_path, 0o666)
        listener.listen(BACKLOG)
        return listener

    def _become_default(self) -> None:
        """Tools that are told no directory find the dispatcher that was started last."""
        temporary = f"{self.page.path}.new"
        _unlink(temporary)
        os.link(self.page.path, temporary)
        os.rename(temporary, page_path(domain=self.db.domain))
        _unlink(temporary)  # still there if both names were the same file already

    def _writer_left_behind(self) -> tuple[int, bool]:
        """pid of a process that holds the writer's lock since before our time and still runs, else 0; whether it has
        never had a dispatcher."""
        try:
            with open(self.db.lock, encoding="ascii") as lock:
                pid, alone = read_lock(lock.read(LONGEST))
                locked_s = os.fstat(lock.fileno()).st_mtime
        except (OSError, ValueError):
            return 0, False
        return (pid, alone) if pid != os.getpid() and started_before(pid, locked_s) else (0, False)

    def create_lock(self, pid: int) -> None:
        """The writer's lock, with its pid. Raises OSError."""
        temporary = f"{self.db.lock}.new"
        try:
            with open(temporary, "w", encoding="ascii") as lock:
                lock.write(lock_text(pid))
            os.rename(temporary, self.db.lock)
        except OSError:
            _unlink(temporary)
            raise

    def remove_lock(self) -> None:
        _unlink(self.db.lock)

    @property
    def is_replaced(self) -> bool:
        """Whether another directory has our directory's name now; what is ours was moved away with the old one."""
        return os.path.exists(self.db.root) and not _same_file(self.db.root, self._directory)

    def hide(self) -> None:
        """No new client finds us from now on."""
        if self.is_replaced:
            return  # what has these names may belong to another dispatcher
        _unlink(self.socket_path)
        if _same_file(page_path(domain=self.db.domain), self.page.path):
            _unlink(page_path(domain=self.db.domain))

    def leave(self, *, keep_page: bool) -> None:
        """Give everything back. keep_page: the next dispatcher needs it, because processes still read."""
        if self.is_replaced:
            return  # the locks go with this process
        if not keep_page:
            _unlink(self.page.path)
        self._release()

    def _release(self) -> None:
        for path, descriptor in self._held.items():
            _unlink(path)  # while it is still locked: nobody can have taken it over yet
            os.close(descriptor)
        self._held.clear()
        os.close(self._directory)


def _locked(path: str) -> int:
    """A descriptor of this file, locked. Raises DispatcherError if another process holds the lock."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            where = os.path.dirname(path)
            raise DispatcherError(
                f"a dispatcher (process {pid or 'unknown'}) is already running for {where}; --terminate stops it"
            ) from None
        if _same_file(path, descriptor):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
            return descriptor
        os.close(descriptor)  # its owner has just removed it: make a new one


def _same_file(path: str, other: str | int) -> bool:
    try:
        one, two = os.stat(path), os.stat(other)
    except FileNotFoundError:
        return False
    return (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino)


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
