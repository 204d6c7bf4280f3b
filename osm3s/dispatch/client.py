"""The dispatcher's client: one blocking socket for the life of a reading or writing process.

Reading::

    client = DispatcherClient.connect()
    with client.reading(timeout_s=180, maxsize_bytes=1 << 29, query_text=text, address=remote_addr) as session:
        snapshot = open_index(client.db_dir)
        session.opened(snapshot.txn_id)
        ...                                   # session.prolongate() from time to time
        session.finish(cpu_ms=34)

Writing::

    with client.writing("2026-11-21T20:40:38Z") as session:
        ...                                   # reuse only what no snapshot from session.oldest_snapshot on can see
        session.commit()                      # the change is complete and safe on disk: may it be merged?
        ...
        session.done(Version(txn_id, timestamp, replicate_id))

Leaving the block of `writing` without `done` rolls back; discard the change first. All failures are
`DispatcherError`s with the reference's name of the place in `origin`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from osm3s.constants import DEFAULT_MAXSIZE_BYTES, DEFAULT_TIMEOUT_S
from osm3s.dispatch import status_page
from osm3s.dispatch.identity import client_token
from osm3s.dispatch.session import ReadSession, WriteSession
from osm3s.dispatch.version import Version
from osm3s.dispatch.wire import MAX_FRAME_BYTES, FrameBuffer, ProtocolError, encode
from osm3s.errors import DispatcherError
from osm3s.paths import OSM_BASE, DatabaseDir, default_status_page
from osm3s.paths import status_page as page_path

if TYPE_CHECKING:  # without a dispatcher, a program that ends soon has no use for it
    import socket

NOT_RUNNING_ORIGIN = "Dispatcher_Client::1"
"""Origin of the error that tells that there is no dispatcher."""
READ_ORIGIN = "Dispatcher_Client::request_read_and_idx::"
READ_REASONS = ("rate_limited", "timeout", "duplicate_query")
READ_WAIT_S = 35.0
"""A query that got no verdict for so long fails as `protocol_error`."""
ANSWER_WAIT_S = 30.0
LOGGED_TEXT_MAX_BYTES = MAX_FRAME_BYTES - 4096
"""A longer query text is cut in transactions.log."""


class ClientStatus(NamedTuple):
    """Times are seconds since 1970."""

    token: int
    rate_limit: int
    queries: list[tuple[int, int, int, int, int, int]]
    """Of the running ones: state code, pid, timeout_s, maxsize_bytes, start, `asked` of the connection that runs it."""
    ends: list[int]
    """When its slots that cool down are free again."""


class DispatcherClient:
    """A connection to a running dispatcher. For one thread, but a second one may call a session's `prolongate`."""

    def __init__(self, connection: socket.socket, db_dir: str) -> None:
        self.db_dir = db_dir
        """Where the database is, without a trailing slash."""
        self.asked = 0
        """How often `ask_to_read` was called."""
        self._socket = connection
        self._frames = FrameBuffer()

    @classmethod
    def connect(
        cls, db_dir: str | None = None, socket_dir: str | None = None, domain: str = OSM_BASE
    ) -> DispatcherClient:
        """Connect to the dispatcher of a domain of `db_dir`, else of $OVERPASS_DB_DIR, else to the one started last.

        Raises DispatcherError with origin `Dispatcher_Client::1` if none answers.
        """
        db_dir = db_dir or os.environ.get("OVERPASS_DB_DIR") or None
        socket_dir = socket_dir or os.environ.get("OVERPASS_SOCKET_DIR") or None
        if db_dir:
            connection = _connected(DatabaseDir(db_dir, domain).socket(socket_dir))
            if connection is not None:
                return cls(connection, os.path.realpath(db_dir))
        status = status_page.read(page_path(db_dir, domain))
        if status is not None:
            path = DatabaseDir(status.db_dir, domain).socket(socket_dir) if socket_dir else status.socket_path
            connection = _connected(path)
            if connection is not None:
                return cls(connection, status.db_dir)
        where = f" for {db_dir}" if db_dir else ""
        raise DispatcherError(
            f"no dispatcher is running{where}: start one with dispatcher --{domain.replace('_', '-')} --db-dir=DIR",
            NOT_RUNNING_ORIGIN,
            errno=2,
            file=default_status_page(domain),
        )

    @property
    def connected(self) -> bool:
        """Whether the dispatcher has not closed the connection, between requests."""
        import select

        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN | select.POLLRDHUP)
        return not waiting.poll(0)

    @property
    def sign_of_life(self) -> tuple[int, bytes]:
        """The descriptor, and what to write into it from time to time during a session, if not by `prolongate`."""
        return self._socket.fileno(), encode(("prolongate",))

    def close(self) -> None:
        """End the connection; whatever it holds is released."""
        self._socket.close()

    def __enter__(self) -> DispatcherClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- sessions ---------------------------------------------------------------------------------------------------

    @contextmanager
    def reading(
        self,
        timeout_s: int = DEFAULT_TIMEOUT_S,
        maxsize_bytes: int = DEFAULT_MAXSIZE_BYTES,
        query_text: str | bytes = b"",
        address: str = "",
        api_key: str = "",
    ) -> Iterator[ReadSession]:
        """`ask_to_read`, and the wait for the answer."""
        self.ask_to_read(timeout_s, maxsize_bytes, query_text, address, api_key)
        with self.granted_reading() as session:
            yield session

    def ask_to_read(
        self, timeout_s: int, maxsize_bytes: int, query_text: str | bytes = b"", address: str = "", api_key: str = ""
    ) -> None:
        """Ask for permission to read a snapshot; `granted_reading` waits for it, so there is time to prepare meanwhile.

        `address` is the client's (REMOTE_ADDR), empty for local tools; `api_key` what it has sent. Raises
        DispatcherError.
        """
        from osm3s.dispatch.request_hash import request_hashes  # costs a millisecond to import

        text = query_text.encode("utf-8", "surrogateescape") if isinstance(query_text, str) else query_text
        full, anonymous = request_hashes(text)
        address, api_key = ("".join(filter(str.isprintable, each))[:100] for each in (address, api_key))
        request = ("read_start", timeout_s, maxsize_bytes, client_token(address), full, anonymous, address)
        self.asked += 1
        self.tell((*request, text[:LOGGED_TEXT_MAX_BYTES], api_key), READ_ORIGIN + "protocol_error")

    @contextmanager
    def granted_reading(self) -> Iterator[ReadSession]:
        """The permission that was asked for.

        Raises DispatcherError with origin `Dispatcher_Client::request_read_and_idx::` + rate_limited, timeout (the
        server is too busy), duplicate_query or protocol_error.
        """
        answer = self._answer(READ_ORIGIN + "protocol_error", READ_WAIT_S)
        if answer[0] != "granted":
            reason = answer[1] if answer[1] in READ_REASONS else "protocol_error"
            raise DispatcherError(str(answer[2]), READ_ORIGIN + reason, retry_after_s=sum(answer[3:4]))
        session = ReadSession(self, answer[1], Version(*answer[2:]))
        try:
            yield session
        finally:
            session.finish()

    @contextmanager
    def writing(self, data_timestamp: str = "") -> Iterator[WriteSession]:
        """The permission to write; waits for as long as another process has it.

        Raises DispatcherError if the dispatcher stops, or cannot repair what an earlier writer has left.
        """
        origin = "Dispatcher_Client::write_start::socket"
        answer = self.ask(("write_start", data_timestamp), origin, None)
        if answer[0] != "granted":
            raise DispatcherError(f"no permission to write: {answer[2]}", origin)
        session = WriteSession(self, answer[1], answer[2], Version(*answer[3:]))
        try:
            yield session
        except BaseException:
            with suppress(DispatcherError):  # it is the first failure that counts
                session.roll_back()
            raise
        session.roll_back()

    # --- control ----------------------------------------------------------------------------------------------------

    def status(self) -> str:
        """The text of `dispatcher --status`."""
        return str(self.ask_ok(("status",), "Dispatcher_Client::output_status::socket")[0])

    def metrics(self) -> str:
        """Counters and gauges for Prometheus."""
        return str(self.ask_ok(("metrics",), "Dispatcher_Client::metrics::socket")[0])

    def my_status(self, address: str, api_key: str = "") -> ClientStatus:
        """What the dispatcher knows of a client."""
        origin = "Dispatcher_Client::query_my_status::socket::1"
        api_key = "".join(filter(str.isprintable, api_key))[:100]
        token, rate_limit, queries, ends = self.ask_ok(("my_status", client_token(address), api_key), origin)
        return ClientStatus(token, rate_limit, [tuple(query) for query in queries], ends)

    def query_by_token(self, token: int) -> int:
        """pid of the last active query of this token, or 0."""
        return int(self.ask_ok(("query_by_token", token), "Dispatcher_Client::query_by_token::socket::1")[0])

    def set_limits(
        self, space_bytes: int = 0, time_units: int = 0, rate_limit: int = -1, allow_duplicates: bool | None = None
    ) -> None:
        """Change limits of the running instance; the defaults keep what is set."""
        duplicates = -1 if allow_duplicates is None else int(allow_duplicates)
        request = ("set_limits", space_bytes, time_units, rate_limit, duplicates)
        self.ask_ok(request, "Dispatcher_Client::set_global_limits::1")

    def purge(self, pid: int) -> int:
        """Forget all sessions of a process; a writer is killed. Returns how many there were."""
        return int(self.ask_ok(("purge", pid), "Dispatcher_Client::purge::socket::1")[0])

    def terminate(self) -> None:
        """Stop the dispatcher; returns when it is gone and a new one may start."""
        self.ask_ok(("terminate",), "Dispatcher_Client::terminate::socket")
        self._socket.settimeout(None)
        with suppress(OSError):
            while self._socket.recv(4096):
                pass

    # --- messages ---------------------------------------------------------------------------------------------------

    def tell(self, message: Sequence[Any], origin: str) -> None:
        """Send a request that has no answer."""
        from socket import MSG_NOSIGNAL  # who has a connection has it loaded

        try:
            # a frontend is one whom SIGPIPE ends, because its client may leave: a dispatcher that dies is no reason
            self._socket.sendall(encode(message), MSG_NOSIGNAL)
        except (OSError, ProtocolError) as error:
            raise self._lost(origin, error) from None

    def ask(self, message: Sequence[Any], origin: str, wait_s: float | None = ANSWER_WAIT_S) -> list[Any]:
        self.tell(message, origin)
        return self._answer(origin, wait_s)

    def _answer(self, origin: str, wait_s: float | None) -> list[Any]:
        """The answer to what was asked last."""
        try:
            self._socket.settimeout(wait_s)
            while (answer := self._frames.next_message()) is None:
                data = self._socket.recv(65536)
                if not data:
                    raise ConnectionResetError(104, "the connection was closed")
                self._frames.feed(data)
        except (OSError, ProtocolError) as error:
            lost = self._lost(origin, error)
            self.close()  # an answer that comes late would be taken for that to the next request
            raise lost from None
        except BaseException:
            self.close()  # interrupted: nobody would know that the request was granted
            raise
        if answer[0] == "refused" and answer[1] == "purged":
            raise DispatcherError(str(answer[2]), origin)
        return answer

    def ask_ok(self, message: Sequence[Any], origin: str) -> list[Any]:
        answer = self.ask(message, origin)
        if answer[0] != "ok":
            raise DispatcherError(f"the dispatcher refused {message[0]}: {answer[-1]}", origin)
        return answer[1:]

    def _lost(self, origin: str, error: Exception) -> DispatcherError:
        """The error to raise, with the dispatcher's farewell if it has sent one."""
        why = "it did not answer in time" if isinstance(error, TimeoutError) else str(error)
        with suppress(OSError, ProtocolError):
            self._socket.setblocking(False)
            self._frames.feed(self._socket.recv(65536))
            farewell = self._frames.next_message()
            if farewell is not None and farewell[0] == "refused":
                why = str(farewell[2])
        return DispatcherError(f"lost the dispatcher: {why}", origin, errno=getattr(error, "errno", None) or 0)


def is_running(db_dir: str, socket_dir: str | None = None) -> bool:
    """Whether a dispatcher manages this database, so that it must not be accessed directly."""
    try:
        DispatcherClient.connect(db_dir, socket_dir).close()
    except DispatcherError:
        return False
    return True


def _connected(path: str) -> socket.socket | None:
    if not os.path.exists(path):
        return None
    import socket

    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError:  # no such file, nobody listens, or the path is too long: all the same to us
        connection.close()
        return None
    return connection
