"""One frontend process: waits for a client, answers its request; then it exits, or waits for the next one (reuse.py).

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
from contextlib import suppress

from osm3s.errors import InputError
from osm3s.ffi import lib
from osm3s.serve import wire
from osm3s.serve.board import Seat
from osm3s.serve.limits import limit_nothing, limit_preparation
from osm3s.serve.request import Request
from osm3s.serve.reuse import process

Answer = Callable[[Request, wire.Fds], int]
"""Writes the answer to the descriptors; returns the exit status."""

SLOW_CLIENT_S = 10
WARM_UP, REHEARSAL = "warm-up", "rehearsal"
"""Doors of requests whose answer nobody reads: do what most requests need; the first one without opening a database."""
WARM_UP_ROUNDS = 4
"""After so many, the interpreter has adapted the code to what it does (PEP 659); else each child would do that anew."""
CALM_S = 0.02
"""After so long without a client, there is time to rehearse. In a rush it would cost more than it spares."""
RUSH_S = 10.0
"""So long a process that is more than enough waits for the next rush."""
DIED_STATUS = 70
"""Exit status of a frontend that could not serve its client."""


def live(listener: socket.socket, parent_alive: int, seat: Seat, answer: Answer, most_queries: int) -> int:
    """Serve up to `most_queries` clients of the (non-blocking) listener one after the other; return the exit status.

    `parent_alive` reads as end of file when the parent has gone.
    """
    # a query that outlives a killed parent must not keep clients waiting at its door
    signal.signal(signal.SIGHUP, lambda _number, _frame: listener.close())
    lib.osm3s_signal_when_parent_ends(signal.SIGHUP)
    process.begin(most_queries)
    with select.epoll() as events:  # for life: the kernel wakes the first of those that wait, which is the warmest
        events.register(listener, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        events.register(parent_alive, select.EPOLLIN)
        if _calm(events, seat):
            rehearse(answer)
        while True:
            seat.wait()
            connection = _next_client(listener, events, parent_alive, seat)
            if connection is None:
                seat.leave()
                return 0
            seat.run()
            status = _serve(connection, answer)
            if not process.after_query():
                seat.leave()
                return status


_client: socket.socket | None = None
"""Whose end ends this process."""


def outlive_client() -> None:
    """All that is left to do is to write the end of the answer. A client that has it and closes at once must not end
    this process before it has told the dispatcher that the query is finished."""
    if _client is not None:
        survive_closing(_client)


def _serve(connection: socket.socket, answer: Answer) -> int:
    global _client
    limit_preparation()
    try:
        with connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SLOW_CLIENT_S, 0))
            request, descriptors = wire.receive(connection)
            die_when_closed(connection)
            _client = connection
            status = answer(request, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            survive_closing(connection)
            with suppress(BrokenPipeError):
                connection.send(bytes([status]), socket.MSG_NOSIGNAL)
    except (InputError, OSError):
        process.retire()
        return DIED_STATUS
    finally:
        _client = None
        limit_nothing()
        if lib.osm3s_lane_leave():
            process.retire()
    return 0


def warm_up(answer: Answer) -> None:
    """In the parent, once: import what is imported late, and have everything done often enough to be done fast."""
    for _ in range(WARM_UP_ROUNDS):
        rehearse(answer, WARM_UP)


def rehearse(answer: Answer, door: str = REHEARSAL) -> None:
    """Go through a request once while nobody waits. In a child, the pages of memory that it touches are copied from the
    parent now, which is most of what a small query would take."""
    server, client = socket.socketpair()
    with client, server:
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        wire.send(client, Request(door, transport="http"), [nowhere])
        os.close(nowhere)
        _serve(server, answer)
        server.close()  # first, since the end of its other side would end this process
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as before: a parent that writes to a closed pipe goes on


def _calm(events: select.epoll, seat: Seat) -> bool:
    """Wait until no client has come to any process for a while; False if something happens before."""
    while (wait_s := CALM_S - seat.calm_s()) > 0:
        if events.poll(wait_s):
            return False
    return not events.poll(0)


def _next_client(listener: socket.socket, events: select.epoll, parent_alive: int, seat: Seat) -> socket.socket | None:
    """The next connection; None if the parent has gone, or if this process was only needed in a rush that is over."""
    while True:
        ready = events.poll(RUSH_S)
        if (not ready and seat.superfluous) or any(descriptor == parent_alive for descriptor, _ in ready):
            return None
        try:
            connection, _ = listener.accept()
        except BlockingIOError:  # another one was quicker
            continue
        except OSError:
            return None
        connection.setblocking(True)
        return connection


def die_when_closed(connection: socket.socket) -> None:
    """Let the kernel terminate this process as soon as the other side closes or sends anything more."""
    if lib.osm3s_end_when_closed(connection.fileno()) != lib.OSM3S_OK:
        os._exit(DIED_STATUS)


def survive_closing(connection: socket.socket) -> None:
    """Undo `die_when_closed`: the query is answered."""
    descriptor = connection.fileno()
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) & ~os.O_ASYNC)
