"""Parsing of HTTP requests, alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm3s.serve.http_message import MAX_HEAD_BYTES, Body, Head, Malformed, parse_head, take_head


def head_of(*lines: bytes) -> Head:
    return parse_head(b"\r\n".join((b"GET /api/interpreter?data=a%20b HTTP/1.1", *lines)))


def test_parts_of_a_head() -> None:
    head = head_of(b"Host: a", b"Origin:  https://b.example \t", b"X: 1", b"x: 2")
    assert (head.method, head.path, head.query_string, head.minor) == ("GET", "/api/interpreter", b"data=a%20b", 1)
    assert head.text(b"origin") == "https://b.example"
    assert head.headers[b"x"] == b"1, 2"
    assert head.keep_alive


def test_absolute_target() -> None:
    head = parse_head(b"POST http://a.example:80/api/status?x=1 HTTP/1.0")
    assert (head.path, head.query_string, head.keep_alive) == ("/api/status", b"x=1", False)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([b"Content-Length: 1", b"Content-Length: 1"], 400),
        ([b"Content-Length: 1", b"Transfer-Encoding: chunked"], 400),
        ([b"Content-Length: -1"], 400),
        ([b"Content-Length: 1, 1"], 400),
        ([b"Transfer-Encoding: gzip, chunked"], 501),
        ([b"Bad Name: 1"], 400),
        ([b"Host : a"], 400),
        ([b" folded"], 400),
        ([b"X: a\x00b"], 400),
        ([b"X: a\nY: b"], 400),
        ([b"no colon"], 400),
    ],
)
def test_refused_fields(lines: list[bytes], status: int) -> None:
    with pytest.raises(Malformed) as fault:
        head_of(*lines)
    assert fault.value.status == status


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"", 400),
        (b"GET", 400),
        (b"GET /", 400),
        (b"GET /  HTTP/1.1", 400),
        (b"G\x00T / HTTP/1.1", 400),
        (b"GET /a b HTTP/1.1", 400),
        (b"GET / HTTP/2.0", 505),
        (b"PRI * HTTP/2.0", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
    ],
)
def test_refused_request_lines(line: bytes, status: int) -> None:
    with pytest.raises(Malformed) as fault:
        parse_head(line)
    assert fault.value.status == status


def test_long_heads_are_refused_and_many_blanks_are_quick() -> None:
    with pytest.raises(Malformed) as fault:
        take_head(bytearray(b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD_BYTES))
    assert fault.value.status == 431
    assert head_of(b"X:" + b" " * 60_000 + b"a").text(b"x") == "a"
    with pytest.raises(Malformed):
        head_of(b"X:" + b" " * 60_000 + b"\x00")


def whole_body(head: Head, wire: bytes, step: int, limit: int = 1000) -> tuple[Body, bytes]:
    """Feed the body in pieces; returns it and what follows it."""
    body, data = Body(head, limit), bytearray()
    for start in range(0, len(wire), step):
        data += wire[start : start + step]
        if body.take(data):
            return body, bytes(data) + wire[start + step :]
    pytest.fail("the body never ended")


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.integers(1, 50), st.binary(max_size=10))
def test_chunks_in_any_pieces(chunks: list[bytes], step: int, rest: bytes) -> None:
    wire = b"".join(b"%x;a=b\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\nTrailer: 1\r\n\r\n" + rest
    body, after = whole_body(head_of(b"Transfer-Encoding: chunked"), wire, step)
    assert (bytes(body.data), after, body.too_long) == (b"".join(chunks), rest, 0)


@given(st.binary(min_size=1, max_size=100), st.integers(1, 50), st.binary(max_size=10))
def test_counted_body_in_any_pieces(content: bytes, step: int, rest: bytes) -> None:
    body, after = whole_body(head_of(b"Content-Length: %d" % len(content)), content + rest, step)
    assert (bytes(body.data), after) == (content, rest)


@pytest.mark.parametrize("wire", [b"x\r\n", b"-1\r\n", b"1\r\nab\r\n", b"\r\n", b"1" * 300, b"123456789\r\n"])
def test_malformed_chunks(wire: bytes) -> None:
    with pytest.raises(Malformed):
        Body(head_of(b"Transfer-Encoding: chunked"), 1000).take(bytearray(wire))


def test_too_long_bodies_are_noticed_early() -> None:
    assert Body(head_of(b"Content-Length: 1001"), 1000).too_long == 1001
    body, _ = whole_body(
        head_of(b"Transfer-Encoding: chunked"), b"384\r\n" + b"a" * 900 + b"\r\n384\r\n" + b"b" * 900, 64
    )
    assert body.too_long > 1000
    assert len(body.data) <= 1000


@given(st.binary(max_size=400))
def test_random_bytes_never_raise_anything_else(data: bytes) -> None:
    buffer = bytearray(data)
    try:
        head = take_head(buffer)
        if head is not None:
            Body(head, 100).take(buffer)
    except Malformed:
        pass
