"""Strangers on the socket: whatever they send, the dispatcher stays up and goes on serving the others."""

from __future__ import annotations

import os
import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm3s.dispatch import requests
from osm3s.dispatch.wire import MAX_FRAME_BYTES, FrameBuffer, ProtocolError, encode
from osm3s.paths import DatabaseDir

from .conftest import Site, eventually


def stranger(site: Site) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(DatabaseDir(site.db_dir).socket())
    connection.settimeout(60)
    return connection


def frame(content: object) -> bytes:
    return framed(msgpack.packb(content))


def framed(content: bytes) -> bytes:
    return struct.pack("<I", len(content)) + content


def is_cut_off(connection: socket.socket) -> bool:
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.fixture
def served(site: Site) -> Iterator[Site]:
    """A site whose dispatcher has to survive the test and to keep a reader and a writer all the while."""
    dispatcher = site.start()
    with site.client() as reader, reader.reading() as read, site.client() as writer, writer.writing() as write:
        read.opened(0)
        yield site
        assert dispatcher.running()
        write.commit()
        assert "131584 " in reader.status() and dispatcher.running()
        write.roll_back()


MALFORMED = {
    "empty frame": b"\0\0\0\0",
    "huge frame": b"\xff\xff\xff\xff",
    "a little too long": struct.pack("<I", MAX_FRAME_BYTES + 1),
    "http": b"GET / HTTP/1.0\r\n\r\n",
    "not msgpack": framed(b"\xc1\xc1"),
    "half of a msgpack": framed(b"\x93\xa4read"),
    "trailing bytes": framed(msgpack.packb(["status"]) + b"\0"),
    "not a list": frame({"status": 1}),
    "empty list": frame([]),
    "nameless": frame([1, 2]),
    "unknown": frame(["format_disk"]),
    "too few arguments": frame(["purge"]),
    "too many arguments": frame(["status", 1]),
    "wrong type": frame(["purge", "1"]),
    "boolean for a number": frame(["purge", True]),
    "negative": frame(["purge", -1]),
    "float": frame(["purge", 1.0]),
    "line break in a text": frame(["read_finished", "1\n2026-01-01 00:00:00 [1] forged"]),
    "long text": frame(["write_start", "x" * 1001]),
    "invalid utf-8": framed(b"\x92\xa6status\xa2\xff\xfe"),
    "deep nesting": framed(b"\x91" * 100_000),
    "huge count": framed(b"\xdd\xff\xff\xff\xff"),
    "unhashable key": framed(b"\x91\x81\x91\x01\x01"),
    "bad time stamp": framed(b"\x91\xc7\x0c\xff" + b"\xff" * 12),
    "out of turn: commit": frame(["write_commit", ""]),
    "out of turn: done": frame(["write_done", 1, "", ""]),
    "out of turn: rollback": frame(["write_rollback"]),
    "out of turn: opened": frame(["read_idx_finished", 1]),
    "out of turn: finished": frame(["read_finished", ""]),
    "two requests at a time": frame(["write_start", ""]) + frame(["write_start", ""]),
}


def test_malformed_messages_end_their_connection_only(served: Site) -> None:
    before = len(served.log())
    for name, data in MALFORMED.items():
        with stranger(served) as connection:
            connection.sendall(data)
            assert is_cut_off(connection), name
    eventually(lambda: sum(" protocol error from " in line for line in served.log()) == len(MALFORMED))
    assert len(served.log()) - before < 3 * len(MALFORMED)
    assert not any(line.startswith("[1] forged") for line in served.log())


def test_random_bytes(served: Site) -> None:
    chance = random.Random(1)
    for _ in range(150):
        with stranger(served) as connection:
            data = chance.randbytes(chance.randrange(1, 300))
            if chance.random() < 0.5:
                data = framed(data)
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            assert is_cut_off(connection)


def test_frames_may_come_in_any_pieces(served: Site) -> None:
    with stranger(served) as connection:
        for byte in frame(["query_by_token", 5]):
            connection.sendall(bytes([byte]))
        assert connection.recv(100) == encode(("ok", 0))
        connection.sendall(frame(["query_by_token", 5]) * 50)
        wanted = encode(("ok", 0)) * 50
        got = b""
        while len(got) < len(wanted):
            got += connection.recv(10_000)
        assert got == wanted


def test_half_frames_and_silent_clients_hold_nobody_up(served: Site) -> None:
    connections = [stranger(served) for _ in range(40)]
    for number, connection in enumerate(connections):
        connection.sendall(frame(["status"])[: number % 12])
    with served.client() as client:
        status = client.status()
    for connection in connections:
        connection.close()
    assert "Number of not yet opened connections: 40" in status


def test_a_client_that_never_reads_its_answers_is_cut_off(served: Site) -> None:
    with stranger(served) as connection:
        connection.settimeout(60)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                connection.sendall(frame(["status"]) * 1000)
    served.logged("it does not read its answers")


def test_a_flood_of_requests_does_not_starve_the_others(served: Site) -> None:
    with stranger(served) as connection:
        connection.sendall(frame(["prolongate"]) * 20_000)
        with served.client() as client:
            client.status()  # answered although the flood is still being worked on, or already done
        connection.sendall(frame(["query_by_token", 1]))
        assert connection.recv(100) == encode(("ok", 0))


def test_more_connections_than_descriptors(site: Site) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))  # inherited: 75 clients
    try:
        site.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with site.client() as reader, reader.reading():
        connections = [stranger(site) for _ in range(150)]
        with site.client() as client:
            assert "Counter of started requests: 1" in client.status()
        assert "131334 " in reader.status()
        for connection in connections:
            connection.close()
    site.logged("too many connections")


def test_the_longest_query_text(site: Site) -> None:
    site.start()
    text = '"' * 3_000_000
    with site.client() as client, client.reading(query_text=text):
        assert client.status()
    logged = Path(site.db_dir, "transactions.log")
    eventually(lambda: logged.stat().st_size > 2_000_000)


# --- the codec alone ------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=50)), st.integers(0, 7))
def test_any_bytes_are_messages_or_a_protocol_error(pieces: list[bytes], step: int) -> None:
    frames = FrameBuffer()
    try:
        for piece in pieces:
            frames.feed(framed(piece) if step % 2 else piece)
            while (message := frames.next_message()) is not None:
                requests.check(message)
    except ProtocolError as error:
        assert str(error).isprintable()


@given(st.lists(st.tuples(st.sampled_from(sorted(requests.ARGUMENTS)), st.integers(0, 2**64 - 1))), st.randoms())
def test_what_is_sent_arrives_however_it_is_cut(messages: list[tuple[str, int]], chance: random.Random) -> None:
    data = b"".join(map(encode, messages))
    frames, received = FrameBuffer(), []
    while data:
        cut = chance.randint(1, len(data))
        frames.feed(data[:cut])
        data = data[cut:]
        while (message := frames.next_message()) is not None:
            received.append(tuple(message))
    assert received == messages


def test_a_message_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(ProtocolError):
        encode(["x", os.urandom(MAX_FRAME_BYTES)])
