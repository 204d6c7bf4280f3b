"""The HTTP server and clients that mean harm, or only behave as if: nothing they do costs others their answers."""

from __future__ import annotations

import http.client
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import eventually, exchange, pid_in, process_ended, start_http

SECOND = b"GET /api/interpreter?data=smuggled HTTP/1.1\r\n\r\n"
LINE = b"POST /api/interpreter HTTP/1.1\r\n"


def is_served(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/api/interpreter?data=echo")
    return connection.getresponse().read() == b"interpreter GET 127.0.0.1 data=echo"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (LINE + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (LINE + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400),
        (LINE + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\necho", 400),
        (LINE + b"Content-Length: 4, 4\r\n\r\necho", 400),
        (LINE + b"Content-Length: +4\r\n\r\necho", 400),
        (LINE + b"Content-Length: 0x4\r\n\r\necho", 400),
        (LINE + b"Content-Length: -1\r\n\r\n", 400),
        (LINE + b"Content-Length : 4\r\n\r\necho", 400),
        (LINE + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
        (LINE + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        (LINE + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 501),
        (LINE + b"Transfer-Encoding: chunked\r\n\r\n4\r\necho0\r\n\r\n", 400),
        (LINE + b"Transfer-Encoding: chunked\r\n\r\n-4\r\necho\r\n0\r\n\r\n", 400),
        (LINE + b"Transfer-Encoding: chunked\r\n\r\n0x4\r\necho\r\n0\r\n\r\n", 400),
        (LINE + b"Transfer-Encoding: chunked\r\n\r\n4\necho\r\n0\r\n\r\n", 400),
        (LINE + b"Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n", 400),
        (LINE + b"Transfer-Encoding: chunked\r\n\r\n4;" + b"x" * 300 + b"\r\n", 400),
        (b"POST /api/interpreter HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (LINE + b"A: b\r\n Content-Length: 4\r\n\r\n", 400),
        (LINE + b"A: b\r\n\tc\r\n\r\n", 400),
        (LINE + b"A: b\nContent-Length: 4\r\n\r\n", 400),
        (LINE + b"A: b\rC: d\r\n\r\n", 400),
        (LINE + b"A: b\0c\r\n\r\n", 400),
        (LINE + b"A\0: b\r\n\r\n", 400),
        (LINE + b": b\r\n\r\n", 400),
        (b"POST  /api/interpreter HTTP/1.1\r\n\r\n", 400),
        (b"POST /api/interpreter\0 HTTP/1.1\r\n\r\n", 400),
        (b"POST /api/interpreter HTTP/2.0\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (LINE + b"A: " + b"b" * 70_000, 431),
        (LINE + b"A: b\r\n" * 12_000, 431),
        (b"GET /api/interpreter?" + b"d" * 70_000, 431),
    ],
)
def test_ambiguous_requests_end_the_connection(port: int, data: bytes, status: int) -> None:
    answer = exchange(port, data + SECOND)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"\r\nDate: ") == 1
    assert b"\r\nConnection: close\r\n" in answer
    assert b"smuggled" not in answer


def test_nothing_is_echoed_into_the_head(port: int) -> None:
    data = b"OPTIONS /api/interpreter HTTP/1.1\r\nConnection: close\r\nOrigin: %s\r\n"
    data += b"Access-Control-Request-Headers: %s\r\n\r\n"
    assert exchange(port, data % (b"a\rSet-Cookie: x", b"b")).startswith(b"HTTP/1.1 400 ")
    head = exchange(port, data % (b"\xff\xfe", b"X-A: b\x01\xe9"))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert len(head.split(b"\r\n")) == len(exchange(port, data % (b"a", b"b")).split(b"\r\n"))


def test_bodies_in_tiny_chunks(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        client.sendall(LINE + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 30_000)
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        client.sendall(LINE + b"Transfer-Encoding: chunked\r\n\r\n4\r\necho\r\n0\r\n" + b"A: b\r\n" * 20_000)
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_compressed_bodies_are_not_taken_for_queries(port: int) -> None:
    answer = exchange(port, LINE + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00")
    assert answer.startswith(b"HTTP/1.1 415 Unsupported Media Type\r\n")


def test_a_client_may_ask_for_encodings_and_ranges(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Accept-Encoding": "gzip, deflate, br;q=0.5, *;q=0", "Range": "bytes=0-3", "If-None-Match": "*"}
    connection.request("GET", "/api/interpreter?data=echo", headers=headers)
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["Content-Encoding"] is None
    assert response.read() == b"interpreter GET 127.0.0.1 data=echo"


@pytest.fixture
def many_descriptors() -> Iterator[int]:
    """How many files this process may have open; as many as it may allow itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_thousands_of_idle_and_half_open_connections(
    frontend: Path, many_descriptors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ends are in this process, and the server keeps a descriptor for the frontend of each."""
    monkeypatch.setattr("osm3s.serve.http_connection.REQUEST_S", 600.0)  # however slow this machine is
    number = min(5000, (many_descriptors - 400) // 3)
    if number < 1000:
        pytest.skip(f"this process may open only {many_descriptors} files")
    port, end = start_http(frontend, max_connections=number + 10)
    try:
        with ExitStack() as opened:
            idle = [opened.enter_context(socket.create_connection(("127.0.0.1", port), 60)) for _ in range(number)]
            for half_open in idle[1::2]:
                half_open.sendall(b"GET /api/interp")
            assert is_served(port)
            for client in idle[::100]:  # and they are there as before
                client.sendall(b"GET /api/interpreter?data=echo HTTP/1.1\r\n\r\n")
                assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
    finally:
        end()


def test_it_is_logged_that_no_connection_is_left(frontend: Path, tmp_path: Path) -> None:
    path = tmp_path / "log"
    port, end = start_http(frontend, max_connections=4, log_path=str(path))
    try:
        with ExitStack() as opened:
            for _ in range(4):
                opened.enter_context(socket.create_connection(("127.0.0.1", port), 60))
            assert is_served(port)
        assert eventually(lambda: is_served(port), within_s=60)
    finally:
        end()
    (line,) = path.read_text().splitlines()
    assert line.endswith("http: 4 connections are open, the limit: idle and slow ones make room.")


def test_slow_requests_give_way_when_no_place_is_left(frontend: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osm3s.serve.http.PATIENCE_WHEN_FULL_S", 0.0)
    port, end = start_http(frontend, max_connections=4)
    try:
        with ExitStack() as opened:
            slow = [opened.enter_context(socket.create_connection(("127.0.0.1", port), 60)) for _ in range(4)]
            for client in slow[:2]:
                client.sendall(b"GET /api/interp")
            for client in slow[2:]:
                client.sendall(LINE + b"Content-Length: 1000\r\n\r\nabc")
            assert is_served(port)
            assert {_first_word(client) for client in slow} <= {b"HTTP/1.1 408", b""}  # or closed before it had begun
    finally:
        end()


def test_a_client_that_stops_reading_is_given_up(
    frontend: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osm3s.serve.http.DEAD_PEER_S", 1)
    port, end = start_http(frontend)
    try:
        with socket.create_connection(("127.0.0.1", port), 60) as client:
            client.sendall(f"GET /api/interpreter?pour={tmp_path}/pid HTTP/1.1\r\n\r\n".encode())
            pid = pid_in(tmp_path / "pid")
            assert eventually(lambda: process_ended(pid), within_s=60)
    finally:
        end()


def test_bodies_together_have_a_limit(frontend: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osm3s.serve.http_connection.MAX_BUFFERED_BYTES", 1_000_000)
    port, end = start_http(frontend)
    try:
        with ExitStack() as opened:
            clients = [opened.enter_context(socket.create_connection(("127.0.0.1", port), 60)) for _ in range(3)]
            for client in clients:
                client.sendall(LINE + b"Content-Length: 900000\r\n\r\n" + b"x" * 450_000)
                client.setblocking(False)
            assert eventually(lambda: any(map(_is_refused, clients)), within_s=60)
            assert is_served(port)
        large = LINE + b"Connection: close\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900_000
        assert eventually(lambda: _answers(port, large), within_s=60)
    finally:
        end()


def _first_word(client: socket.socket) -> bytes:
    """Of what the server says last."""
    try:
        return client.recv(1000)[:12]
    except ConnectionResetError:
        return b""


def _answers(port: int, request: bytes) -> bool:
    try:
        return exchange(port, request).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def _is_refused(client: socket.socket) -> bool:
    try:
        return client.recv(1000, socket.MSG_PEEK).startswith(b"HTTP/1.1 504 ")
    except BlockingIOError:
        return False
