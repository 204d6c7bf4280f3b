"""One frontend process: waits for a client, answers its one request, exits.

The kernel ends it when it overruns (serve/limits.py) and when its client hangs up: the connection raises SIGIO then,
whose default action is to terminate. So a query needs no thread that watches for either.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import struct
from collections.abc import Callable

from osm3s.errors import InputError
from osm3s.serve import wire
from osm3s.serve.limits import limit_nothing, limit_preparation
from osm3s.serve.request import Request

Answer = Callable[[Request, wire.Fds], int]
"""Writes the answer to the descriptors; returns the exit status."""

PID = struct.Struct("<I")
SLOW_CLIENT_S = 10
WARM_UP, REHEARSAL = "warm-up", "rehearsal"
"""Doors of requests whose answer nobody reads: do what most requests need; the first one without opening a database."""
DIED_STATUS = 70
"""Exit status of a frontend that could not serve its client."""


def live(listener: socket.socket, parent_alive: int, started: int, answer: Answer) -> int:
    """Serve one client of the (non-blocking) listener and return this process's exit status.

    `parent_alive` reads as end of file when the parent has gone; `started` is told the pid once a client has come.
    """
    if not _client_waits(listener):
        rehearse(answer)
    connection = _next_client(listener, parent_alive)
    if connection is None:
        return 0
    os.write(started, PID.pack(os.getpid()))
    listener.close()  # a query that outlives a killed parent must not keep clients waiting at its door
    os.close(parent_alive)
    os.close(started)
    return _serve(connection, answer)


def _serve(connection: socket.socket, answer: Answer) -> int:
    limit_preparation()
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SLOW_CLIENT_S, 0))
        request, descriptors = wire.receive(connection)
    except (InputError, OSError):
        return DIED_STATUS
    die_when_closed(connection)
    status = answer(request, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    try:
        connection.send(bytes([status]))
    except OSError:
        return DIED_STATUS
    return 0


def rehearse(answer: Answer, door: str = REHEARSAL) -> None:
    """Go through a request once while nobody waits. In the parent, this imports what is imported late; in a child, the
    pages of memory that it touches are copied from the parent now, which is most of what a small query would take."""
    server, client = socket.socketpair()
    with client, server:
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        wire.send(client, Request(door, transport="http"), [nowhere])
        os.close(nowhere)
        _serve(server, answer)
        server.close()  # first, since the end of its other side would end this process
    limit_nothing()


def _client_waits(listener: socket.socket) -> bool:
    waiting = select.poll()
    waiting.register(listener, select.POLLIN)
    return bool(waiting.poll(0))


def _next_client(listener: socket.socket, parent_alive: int) -> socket.socket | None:
    """The next connection; None if the parent has gone. Of all that wait, the kernel wakes one per connection."""
    with select.epoll() as events:
        events.register(listener, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        events.register(parent_alive, select.EPOLLIN)
        while True:
            if any(descriptor == parent_alive for descriptor, _ in events.poll()):
                return None
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                continue
            connection.setblocking(True)
            return connection


def die_when_closed(connection: socket.socket) -> None:
    """Let the kernel terminate this process as soon as the other side closes or sends anything more."""
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    descriptor = connection.fileno()
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC)
    already = select.poll()
    already.register(descriptor, select.POLLIN | select.POLLRDHUP)
    if already.poll(0):
        os._exit(DIED_STATUS)
