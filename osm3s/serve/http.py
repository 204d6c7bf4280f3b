"""The built-in HTTP server: one thread, one epoll. It parses requests and watches; frontends write the answers."""

from __future__ import annotations

import errno
import resource
import select
import socket
import time
from collections.abc import Callable

from osm3s import log, service_manager
from osm3s.errors import UsageError
from osm3s.serve.access_log import AccessLog
from osm3s.serve.http_connection import HttpConnection
from osm3s.serve.trusted_proxies import TrustedProxies

MAX_CONNECTIONS = 10_000
"""Each takes 2 KB while it is idle. Fewer if this process may not open two files for each."""
BACKLOG = 1024
SWEEP_S = 1.0
PATIENCE_WHEN_FULL_S = 3.0
"""While no further client gets in, a request must arrive within this time."""
SPARE_DESCRIPTORS = 32
LOG_FULL_EVERY_S = 60.0
DEAD_PEER_S = 60
"""A client whose machine acknowledges nothing for so long, or which takes nothing of its answer, is gone."""


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes any free one. Raises UsageError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        raise UsageError(f"Cannot listen on {host} port {port}: {error}.") from error
    return listener


def _descriptors() -> int:
    """How many this process may open for connections."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (soft if soft != resource.RLIM_INFINITY else 2**20) - SPARE_DESCRIPTORS


class HttpServer:
    """Serves until something can be read from `stop`."""

    def __init__(
        self,
        listener: socket.socket,
        frontend_path: str,
        max_connections: int = MAX_CONNECTIONS,
        trusted_proxies: TrustedProxies | None = None,
        access_log: AccessLog | None = None,
        log_path: str = "",
    ) -> None:
        """`log_path`: where it is said that the limits are reached; "": nowhere."""
        self.frontend_path = frontend_path
        self.access_log = access_log
        self.trusted_proxies = trusted_proxies or TrustedProxies()
        self._listener = listener
        self.buffered_bytes = 0
        self._max_connections = min(max_connections, _descriptors() // 2)  # one for the client, one for the frontend
        self._connections: set[HttpConnection] = set()
        self._events = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._accepting = False
        self._log_path = log_path
        self._log_full_from_s = 0.0

    def run(self, stop: int) -> None:
        self._events.register(stop, select.EPOLLIN)
        self._accept_if_room()
        next_sweep = time.monotonic() + SWEEP_S
        beat_every_s = service_manager.watchdog_interval_s()
        next_beat = 0.0
        while True:
            if beat_every_s is not None and time.monotonic() >= next_beat:
                service_manager.notify("WATCHDOG=1")
                next_beat = time.monotonic() + beat_every_s
            for descriptor, events in self._events.poll(SWEEP_S if self._connections else beat_every_s):
                if descriptor == stop:
                    self._close()
                    return
                handler = self._handlers.get(descriptor)
                if handler is not None:  # else an earlier event of this round has closed it
                    handler(events)
            if (now := time.monotonic()) >= next_sweep:
                next_sweep = now + SWEEP_S
                self._sweep(now)

    def _sweep(self, now: float) -> None:
        """End what has passed its deadline; while clients wait to get in, also what only stays open or is slow."""
        full = len(self._connections) >= self._max_connections
        for connection in list(self._connections):
            slow = full and (connection.idle or connection.waits_since <= now - PATIENCE_WHEN_FULL_S)
            if connection.deadline and (slow or connection.deadline <= now):
                connection.expire()
        self._accept_if_room()

    # --- for connections ---

    def watch(self, source: socket.socket, events: int, handler: Callable[[int], None]) -> None:
        descriptor = source.fileno()
        if descriptor in self._handlers:
            self._events.modify(descriptor, events)
        else:
            self._events.register(descriptor, events)
        self._handlers[descriptor] = handler

    def forget(self, source: socket.socket) -> None:
        descriptor = source.fileno()
        if self._handlers.pop(descriptor, None) is not None:
            self._events.unregister(descriptor)

    def closed(self, connection: HttpConnection) -> None:
        self._connections.discard(connection)
        self._accept_if_room()

    # --- accepting ---

    def _accept_if_room(self) -> None:
        room = len(self._connections) < self._max_connections
        if room and not self._accepting:
            self.watch(self._listener, select.EPOLLIN, self._accept)
        elif not room and self._accepting:
            self.forget(self._listener)
            self._log_full(f"{self._max_connections} connections are open, the limit: idle and slow ones make room.")
        self._accepting = room

    def _log_full(self, text: str) -> None:
        """Now and then: under an attack the limit is reached all the time."""
        if self._log_path and (now := time.monotonic()) >= self._log_full_from_s:
            self._log_full_from_s = now + LOG_FULL_EVERY_S
            log.append(self._log_path, f"http: {text}")

    def _accept(self, _events: int) -> None:
        while len(self._connections) < self._max_connections:
            try:
                client, address = self._listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS):
                    self.forget(self._listener)  # until something has been freed
                    self._accepting = False
                    self._log_full(f"no further connection can be accepted: {error.strerror}.")
                    return
                break  # nobody waits any more, or the client has gone
            client.setblocking(True)  # the frontend that gets it writes blocking; here every call says MSG_DONTWAIT
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, DEAD_PEER_S)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_S * 1000)
            self._connections.add(HttpConnection(client, address[0].partition("%")[0], self))
        self._accept_if_room()

    def _close(self) -> None:
        self._listener.close()
        self._accepting = True  # nothing more is accepted while connections are closed
        self._max_connections = len(self._connections) + 1
        for connection in list(self._connections):
            connection.close()
        self._events.close()
