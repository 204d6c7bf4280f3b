"""A keep-alive HTTP/1.1 client on a bare socket, so that the measured time is the server's and not a library's."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import TracebackType
from urllib.parse import quote_plus

RECEIVE_BYTES = 1 << 20


class HttpError(Exception):
    """The server refused, broke off, or answered with something that is not HTTP."""


class HttpClient:
    """One connection to a server on this machine; reconnects when the server has closed it."""

    def __init__(self, port: int, timeout_s: float = 900.0) -> None:
        self.port = port
        self.timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._window = memoryview(bytearray(RECEIVE_BYTES))

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def connect(self) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), self.timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def query(self, text: str, sink: Callable[[memoryview], object] | None = None) -> int:
        """Send a query to /api/interpreter, hand the body piece by piece to `sink`, and return its length in bytes.

        Raises HttpError on any status but 200.
        """
        body = b"data=" + quote_plus(text).encode()
        request = (
            f"POST /api/interpreter HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUser-Agent: bench\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        for attempt in (1, 2):
            self.connect()
            assert self._socket is not None
            try:
                self._socket.sendall(request)
                received = self._receive_into(0)
            except (BrokenPipeError, ConnectionResetError):
                received = 0
            if received:
                return self._read_answer(received, sink)
            self.close()
            if attempt == 2:
                raise HttpError("the server closed the connection without an answer")
        raise AssertionError("unreachable")

    def _receive_into(self, start: int) -> int:
        assert self._socket is not None
        return self._socket.recv_into(self._window[start:])

    def _read_answer(self, filled: int, sink: Callable[[memoryview], object] | None) -> int:
        while (head_end := self._window.obj.find(b"\r\n\r\n", 0, filled)) < 0:  # type: ignore[attr-defined]
            received = self._receive_into(filled)
            if not received:
                raise HttpError("the answer ends within its header")
            filled += received
        lines = bytes(self._window[:head_end]).decode("latin-1").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        failed = lines[0].split(" ", 2)[1] != "200"
        reader = _Body(self, head_end + 4, filled, bytearray().extend if failed else sink)
        if fields.get("transfer-encoding", "").lower() == "chunked":
            length = reader.read_chunks()
        elif "content-length" in fields:
            length = int(fields["content-length"])
            reader.read(length)
        else:
            length = reader.read_to_end()
        if fields.get("connection", "").lower() == "close":
            self.close()
        if failed:
            raise HttpError(lines[0])
        return length


class _Body:
    """The bytes of one body, drawn from the client's window and socket."""

    def __init__(self, client: HttpClient, start: int, end: int, sink: Callable[[memoryview], object] | None) -> None:
        self.client, self.start, self.end, self.sink = client, start, end, sink

    def fill(self) -> bool:
        self.start, self.end = 0, self.client._receive_into(0)
        return self.end > 0

    def read(self, length: int) -> None:
        while length:
            if self.start == self.end and not self.fill():
                raise HttpError("the answer is shorter than announced")
            part = self.client._window[self.start : min(self.end, self.start + length)]
            if self.sink is not None:
                self.sink(part)
            self.start += len(part)
            length -= len(part)

    def read_line(self) -> bytes:
        line = bytearray()
        while not line.endswith(b"\r\n"):
            if self.start == self.end and not self.fill():
                raise HttpError("the answer ends within a chunk header")
            line.append(self.client._window[self.start])
            self.start += 1
        return bytes(line[:-2])

    def read_chunks(self) -> int:
        total = 0
        while size := int(self.read_line().split(b";")[0], 16):
            self.read(size)
            self.read_line()
            total += size
        while self.read_line():
            pass
        return total

    def read_to_end(self) -> int:
        total = 0
        while self.start < self.end or self.fill():
            total += self.end - self.start
            self.read(self.end - self.start)
        self.client.close()
        return total
