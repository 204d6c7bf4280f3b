"""One client's HTTP connection: reads a request, hands it with the socket to a frontend, goes on when that is done.

The frontend writes the answer to the client's socket itself. Meanwhile this side only watches: if the client leaves,
the frontend is dropped (which ends it); if the frontend dies, the client gets an error page, or a reset connection if
part of an answer may have gone out already, never something that looks complete.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from osm3s.constants import MAX_BODY_BYTES
from osm3s.ql.request import too_long
from osm3s.serve import wire
from osm3s.serve.access_log import CLIENT_LEFT, AccessLog, Entry
from osm3s.serve.doors import door_at
from osm3s.serve.http_message import Body, Head, Malformed, looks_complete, take_head
from osm3s.serve.request import Request
from osm3s.serve.response import closing_page, status_at
from osm3s.serve.trusted_proxies import TrustedProxies

IDLE_S = 60.0
REQUEST_S = 30.0
"""Longest time from the first byte of a request to the last one of its head; a body may take as long again."""
LINGER_S = 2.0
MAX_BUFFERED_BYTES = 256 * 1024 * 1024
"""Of all requests together; beyond it, only short ones are read on."""
READ_BYTES = 64 * 1024
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT")
GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
RESET = struct.pack("ii", 1, 0)
TOO_BUSY = (
    "runtime error: open64: 0 Success /osm3s_osm_base Dispatcher_Client::request_read_and_idx::timeout. "
    "The server is probably too busy to handle your request."
)

_TCP_INFO_BYTES, _NOT_SENT, _SEGMENTS_SENT = 160, 144, 156
"""Size of the older part of Linux's struct tcp_info; places of tcpi_notsent_bytes and tcpi_data_segs_out in it."""
_TCP_INFO_NEW_BYTES, _BYTES_SENT = 216, 200
"""With the newer part; tcpi_bytes_sent, behind which is tcpi_bytes_retrans."""


class Loop(Protocol):
    """What a connection needs of the event loop."""

    frontend_path: str
    trusted_proxies: TrustedProxies
    access_log: AccessLog | None
    buffered_bytes: int
    """What all connections together hold of requests."""

    def watch(self, source: socket.socket, events: int, handler: Callable[[int], None]) -> None: ...
    def forget(self, source: socket.socket) -> None: ...
    def closed(self, connection: HttpConnection) -> None: ...


class HttpConnection:
    """`deadline` is the monotonic time at which `expire` is due, 0 while a frontend is at work; `waits_since` is when
    the client last had its turn."""

    def __init__(self, client: socket.socket, address: str, loop: Loop) -> None:
        self.idle = True
        self._wait(REQUEST_S)
        self._client = client
        self._address = address
        self._loop = loop
        self._data = bytearray()
        self._head: Head | None = None
        self._body: Body | None = None
        self._frontend: socket.socket | None = None
        self._called: socket.socket | None = None
        """The frontend that gets the request once it has been read: meanwhile it wakes up."""
        self._unsent = memoryview(b"")
        self._keep_alive = False
        self._sent_before = (0, 0)
        self._entry: Entry | None = None
        self._written_before: int | None = None
        self._lingering = False
        self._held_bytes = 0
        loop.watch(client, select.EPOLLIN | select.EPOLLRDHUP, self._on_client)

    def _wait(self, limit_s: float) -> None:
        """For the client, from now on."""
        self.waits_since = time.monotonic()
        self.deadline = self.waits_since + limit_s

    def _account(self) -> None:
        held = len(self._data) + len(self._unsent) + (len(self._body.data) if self._body is not None else 0)
        self._loop.buffered_bytes += held - self._held_bytes
        self._held_bytes = held

    # --- the client's side ---

    def _on_client(self, events: int) -> None:
        if self._frontend is not None:
            if events & GONE:
                self.close()
            return
        try:
            data = self._client.recv(READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
        elif not self._lingering:
            if self.idle:
                self.idle = False
                self._wait(REQUEST_S)
            self._data += data
            if self._head is None and looks_complete(self._data):
                self._call_frontend()
            self._advance()
            self._hang_up()
            self._account()
            if self._loop.buffered_bytes > MAX_BUFFERED_BYTES and self._body is not None and len(self._body.data):
                self._refuse(504, TOO_BUSY)

    def _advance(self) -> None:
        """Go as far as the bytes that are there allow."""
        try:
            if self._head is None:
                self._head = take_head(self._data)
                if self._head is None:
                    return
                self._begin_body(self._head)
            if self._body is not None and self._body.take(self._data):
                self._ask(self._head, self._body)
        except Malformed as fault:
            self._refuse(fault.status, str(fault))

    def _begin_body(self, head: Head) -> None:
        if door_at(head.path) is None:
            raise Malformed(404, f"There is nothing at {head.path}. Queries go to /api/interpreter.")
        if head.method not in METHODS:
            raise Malformed(405, f"The method {head.method} is not known here.")
        if head.headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Malformed(415, "Bodies must not be compressed.")
        self._body = Body(head, MAX_BODY_BYTES)
        self._wait(REQUEST_S)
        if head.expects_continue and not self._body.too_long:
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    # --- the frontend's side ---

    def _ask(self, head: Head, body: Body) -> None:
        if body.too_long:
            self._refuse(400, str(too_long(body.too_long)))
            return
        request = Request(
            door=door_at(head.path) or "",
            transport="http",
            method=head.method,
            query_string=head.query_string,
            body=bytes(body.data),
            remote_addr=self._client_address(head),
            api_key=head.text(b"x-api-key"),
            origin=head.text(b"origin"),
            requested_headers=head.text(b"access-control-request-headers"),
            keep_alive=head.keep_alive,
            http_minor=head.minor,
        )
        if self._loop.access_log is not None:
            self._entry, self._written_before = Entry.of(request, head), self._bytes_written()
        self._keep_alive = head.keep_alive
        self._head = self._body = None
        frontend, self._called = self._called, None
        try:
            frontend = frontend or self._connected()
            data = memoryview(wire.frame(request))
            sent = socket.send_fds(frontend, [data], [self._client.fileno()])
        except OSError as error:
            if frontend is not None:
                frontend.close()
            busy = error.errno in (errno.EAGAIN, errno.EMFILE, errno.ENFILE)  # the first: the backlog is full
            missing = f"runtime error: The processes that answer queries are not there: {error.strerror}."
            self._refuse(504, TOO_BUSY if busy else missing)
            return
        self._unsent = data[sent:]
        self._frontend = frontend
        self._sent_before = self._bytes_out()
        self.deadline = 0.0
        self._loop.watch(frontend, select.EPOLLIN | (select.EPOLLOUT if self._unsent else 0), self._on_frontend)
        self._loop.watch(self._client, select.EPOLLRDHUP, self._on_client)

    def _connected(self) -> socket.socket:
        """To the next frontend that waits. Raises OSError."""
        frontend = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            frontend.connect(self._loop.frontend_path)
        except OSError:
            frontend.close()
            raise
        return frontend

    def _call_frontend(self) -> None:
        with suppress(OSError):  # then `_ask` meets the error as well
            self._called = self._connected()

    def _hang_up(self) -> None:
        """The request was none after all."""
        if self._called is not None:
            self._called.close()
            self._called = None

    def _client_address(self, head: Head) -> str:
        """The peer, or whom a proxy that we trust says it speaks for."""
        return self._loop.trusted_proxies.client_of(self._address, head.text(b"x-forwarded-for"))

    def _on_frontend(self, events: int) -> None:
        assert self._frontend is not None
        try:
            if self._unsent and not events & GONE:
                self._unsent = self._unsent[self._frontend.send(self._unsent) :]
                self._account()
                if not self._unsent:
                    self._loop.watch(self._frontend, select.EPOLLIN, self._on_frontend)
                return
            done = self._frontend.recv(1)
        except BlockingIOError:
            return
        except OSError:
            done = b""
        self._drop_frontend()
        if done:
            self._note(status_at(done[0]))
        if done and self._keep_alive:
            self.idle = not self._data
            self._wait(IDLE_S if self.idle else REQUEST_S)
            self._loop.watch(self._client, select.EPOLLIN | select.EPOLLRDHUP, self._on_client)
            if self._data:
                self._advance()
        elif done:
            self._linger()
        elif self._bytes_out() == self._sent_before:
            self._refuse(500, "runtime error: The process that answered the query has died.")
        else:
            self._note(500)
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.close()

    def _bytes_out(self) -> tuple[int, int]:
        """Changes whenever something is written to the client; each time, where the kernel does not tell."""
        try:
            info = self._client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        except OSError:
            return (-1, time.monotonic_ns())
        if len(info) < _TCP_INFO_BYTES:
            return (-1, time.monotonic_ns())
        return struct.unpack_from("=I", info, _SEGMENTS_SENT)[0], struct.unpack_from("=I", info, _NOT_SENT)[0]

    # --- the access log ---

    def _bytes_written(self) -> int | None:
        """All that was ever written to the client, whether it has gone out yet or not."""
        info = self._client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_NEW_BYTES)
        if len(info) < _TCP_INFO_NEW_BYTES:
            return None
        sent, again = struct.unpack_from("=QQ", info, _BYTES_SENT)
        return int(sent - again + struct.unpack_from("=I", info, _NOT_SENT)[0])

    def _note(self, status: int) -> None:
        """The answer to the request is complete."""
        log = self._loop.access_log
        if log is None:
            return
        address = self._address if self._head is None else self._client_address(self._head)
        entry, self._entry = self._entry or Entry(address), None
        before, self._written_before = self._written_before, None
        try:
            after = self._bytes_written()
        except OSError:
            after = None
        log.note(entry, status, None if after is None or before is None else after - before)

    # --- ends ---

    def _send(self, data: bytes) -> None:
        """Send a short text; a client that does not even take that is not worth waiting for."""
        try:
            if self._client.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) == len(data):
                return
        except OSError:
            pass
        self._lingering = True
        self.deadline = time.monotonic()

    def _refuse(self, status: int, text: str) -> None:
        """Answer with an error page and close."""
        headless = self._head is not None and self._head.method == "HEAD"
        if self._loop.access_log is not None and self._written_before is None:
            self._written_before = self._bytes_written()
        self._send(closing_page(status, text, headless))
        self._note(status)
        self._linger()

    def _linger(self) -> None:
        """Close so that the client can read to the end: with unread input the kernel would send a reset at once."""
        self._lingering = True
        self._data.clear()
        self._head = self._body = None
        self._account()
        self._wait(LINGER_S)
        try:
            self._client.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()
            return
        self._loop.watch(self._client, select.EPOLLIN, self._on_client)

    def expire(self) -> None:
        """The deadline has passed. A client in the middle of its request is told so."""
        if self.idle or self._lingering:
            self.close()
        else:
            self._refuse(408, "The request did not arrive in time.")

    def _drop_frontend(self) -> None:
        if self._frontend is not None:
            self._loop.forget(self._frontend)
            self._frontend.close()
            self._frontend = None
            self._unsent = memoryview(b"")

    def close(self) -> None:
        if self._frontend is not None:
            self._note(CLIENT_LEFT)
        self._drop_frontend()
        self._loop.buffered_bytes -= self._held_bytes
        self._loop.forget(self._client)
        self._client.close()
        self._loop.closed(self)
