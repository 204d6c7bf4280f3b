"""The HTTP server in front of real processes that obey orders; see fake_frontend.py."""

from __future__ import annotations

import contextlib
import http.client
import random
import socket
import threading
from functools import partial
from pathlib import Path

import pytest
from conftest import eventually, exchange, pid_in, process_ended, start_http

from osm3s.constants import MAX_BODY_BYTES

POST = b"POST /api/interpreter HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s"


def ask(port: int, order: str, method: str = "POST", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, "/api/interpreter", order.encode(), headers)
    response = connection.getresponse()
    return response, response.read()


def test_forms_of_a_request(port: int) -> None:
    for path in ("/api/interpreter", "/cgi-bin/interpreter", "/api/status", "/api/timestamp", "/api/kill_my_queries"):
        for method, target, body in (
            ("GET", path + "?data=echo", b""),
            ("POST", path, b"data=echo"),
            ("POST", path, b"echo"),
        ):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request(method, target, body)
            response = connection.getresponse()
            text = (body or b"data=echo").decode()
            assert response.status == 200
            assert response.read().decode() == f"{path.rpartition('/')[2]} {method} 127.0.0.1 {text}"
            assert response.headers.get_all("Access-Control-Allow-Origin") == ["*"]
            assert response.headers["Content-Type"] == "text/plain"


def test_small_answers_have_a_length_and_large_ones_are_chunked(port: int) -> None:
    response, body = ask(port, "stream=3")
    assert response.headers["Content-Length"] == "30"
    assert len(body) == 30
    response, body = ask(port, "stream=200000")
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert body == b"".join(b"%09d\n" % n for n in range(200000))


def test_http_1_0_gets_neither_chunks_nor_keep_alive(port: int) -> None:
    answer = exchange(port, b"GET /api/interpreter?stream=20000 HTTP/1.0\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert b"Connection: close" in head
    assert body == b"".join(b"%09d\n" % n for n in range(20000))


def test_head_and_options_have_no_body(port: int) -> None:
    for method in ("HEAD", "OPTIONS"):
        line = f"{method} /api/interpreter?data=echo HTTP/1.1\r\nConnection: close\r\nOrigin: https://a.example\r\n"
        line += "Access-Control-Request-Headers: X-A, X-B\r\n\r\n"
        head, end, body = exchange(port, line.encode()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"Access-Control-Allow-Headers: X-A, X-B\r\n" in head
        assert b"Access-Control-Max-Age: 600\r\n" in head
        assert (b"Access-Control-Allow-Methods: GET, POST, OPTIONS" in head) == (method == "OPTIONS")
        assert (end, body) == (b"\r\n\r\n", b"")


def test_error_pages(port: int) -> None:
    for status in (400, 429, 504):
        response, body = ask(port, f"refuse={status}")
        assert response.status == status
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert (response.headers["Retry-After"] is not None) == (status != 400)
        assert b"Error</strong>: line 1: parse error: &lt;&amp;&gt; </p>\n\n</body>\n</html>\n" in body


def test_unknown_places_and_methods(port: int) -> None:
    assert exchange(port, b"GET /etc/passwd HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 404 ")
    assert exchange(port, b"GET /api/../interpreter HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 404 ")
    assert exchange(port, b"GET /api HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 404 ")
    for path in (b"/api/interpreter/", b"//api//interpreter"):
        answer = exchange(port, b"GET %s?data=echo HTTP/1.1\r\nConnection: close\r\n\r\n" % path)
        assert answer.endswith(b"\r\n\r\ninterpreter GET 127.0.0.1 data=echo")
    assert exchange(port, b"BREW /api/interpreter HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 405 ")


def test_keep_alive_and_pipelining(port: int) -> None:
    orders = [b"one", b"stream=30000", b"three", b"four"]
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(b"".join(POST % (len(order), order) for order in orders))
        reader = client.makefile("rb")
        for order in orders:
            assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
            headers = {}
            while (line := reader.readline()) != b"\r\n":
                name, _, value = line.decode().strip().partition(": ")
                headers[name] = value
            assert headers["Connection"] == "keep-alive"
            if "Content-Length" in headers:
                assert reader.read(int(headers["Content-Length"])).endswith(order)
            else:
                while size := int(reader.readline(), 16):
                    reader.read(size + 2)
                assert reader.readline() == b"\r\n"


def test_expect_continue(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(b"POST /api/interpreter HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"echo")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


def test_large_bodies_up_to_the_limit(port: int) -> None:
    _, body = ask(port, "echo" + " " * (MAX_BODY_BYTES - 5) + "x")
    assert len(body) > MAX_BODY_BYTES
    answer = exchange(port, b"POST /api/interpreter HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"encoding error: Input Input too long (length: 16842753). The maximum query length is 16 MB." in answer


def test_a_crash_before_the_first_byte_is_status_500(port: int) -> None:
    response, body = ask(port, "crash")
    assert response.status == 500
    assert b"has died" in body


def test_a_crash_within_the_answer_is_not_taken_for_an_end(port: int) -> None:
    for minor in (0, 1):
        request = b"GET /api/interpreter?crash-later HTTP/1.%d\r\n\r\n" % minor
        with pytest.raises(ConnectionResetError):
            exchange(port, request)


def test_an_overrunning_process_is_ended(port: int, place: Path) -> None:
    response, _ = ask(port, "overrun")
    assert response.status == 500
    assert eventually(lambda: "SIGALRM" in (place / "log").read_text(), within_s=60)


def test_memory_is_limited(port: int) -> None:
    _, body = ask(port, "memory")
    assert b"no memory" in body


def test_a_client_that_leaves_ends_its_query(port: int, tmp_path: Path) -> None:
    for number, half in enumerate((False, True)):
        note = tmp_path / str(number)
        order = f"hang={note}".encode()
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(POST % (len(order), order))
        pid = pid_in(note)
        if half:
            client.shutdown(socket.SHUT_WR)
        else:
            client.close()
        assert eventually(partial(process_ended, pid), within_s=60)
        client.close()


def test_many_at_a_time(port: int) -> None:
    failures = []

    def client(number: int) -> None:
        for turn in range(6):
            order = f"order{number}-{turn}" if turn % 3 else "stream=20000"
            response, body = ask(port, order)
            expected = f"interpreter POST 127.0.0.1 {order}".encode() if turn % 3 else 200000
            if response.status != 200 or (body if turn % 3 else len(body)) != expected:
                failures.append((order, response.status, body[:100]))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_hostile_bytes(port: int) -> None:
    chance = random.Random(1)
    seeds = [
        b"GET /api/interpreter?data=echo HTTP/1.1\r\nHost: a\r\n\r\n",
        POST % (4, b"echo"),
        b"POST /api/interpreter HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\necho\r\n0\r\n\r\n",
        bytes(range(256)),
    ]
    for _ in range(150):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 12)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.sendall(data)
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionResetError):
                client.recv(1000)
    assert ask(port, "echo")[0].status == 200


def test_slow_clients_do_not_keep_others_out(frontend: Path) -> None:
    port, end = start_http(frontend, max_connections=4)
    try:
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        for client in slow:
            client.sendall(b"GET /api/interpreter")
        idle = socket.create_connection(("127.0.0.1", port), 20)
        idle.sendall(b"GET /api/interpreter?data=echo HTTP/1.1\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert ask(port, "echo")[0].status == 200  # the idle connection is given up for it
        for client in [*slow, idle]:
            client.close()
    finally:
        end()


def test_requests_that_do_not_arrive_are_given_up(frontend: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osm3s.serve.http_connection.REQUEST_S", 0.1)
    port, end = start_http(frontend)
    try:
        for part in (b"GET /api/inter", b"POST /api/interpreter HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"):
            assert exchange(port, part).startswith(b"HTTP/1.1 408 ")
    finally:
        end()


def test_without_frontends_the_answer_is_504(tmp_path: Path) -> None:
    port, end = start_http(tmp_path / "nothing")
    try:
        answer = exchange(port, b"GET /api/interpreter?data=echo HTTP/1.1\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
        assert b"Retry-After: " in answer
    finally:
        end()
