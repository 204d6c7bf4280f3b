"""Sinks: in memory, into files and pipes, slow and vanished readers."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from osm3s.errors import QueryFailed, StorageError
from osm3s.ffi.sink import Sink

CHUNK = 256 * 1024


def test_memory_keeps_everything() -> None:
    sink = Sink()
    sink.write("Zürich ")
    sink.write(b"\x00\xff" * CHUNK)
    sink.flush()
    assert sink.data() == "Zürich ".encode() + b"\x00\xff" * CHUNK
    assert sink.bytes_written == len(sink.data())


def test_separators_stand_between_elements() -> None:
    sink = Sink()
    for text in "abc":
        sink.next_element(",")
        sink.write(text)
    assert (sink.data(), sink.elements) == (b"a,b,c", 3)


@pytest.mark.parametrize("piece", [1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_file_gets_all_pieces_in_order(tmp_path: Path, piece: int) -> None:
    path = tmp_path / "answer"
    pieces = [bytes([65 + i]) * piece for i in range(4)]
    with path.open("wb") as file:
        sink = Sink(file.fileno())
        for part in pieces:
            sink.write(part)
        assert sink.bytes_written == 4 * piece
        sink.flush()
    assert path.read_bytes() == b"".join(pieces)


def read_slowly(fd: int, into: list[bytes]) -> None:
    while part := os.read(fd, 50_000):
        into.append(part)
        time.sleep(0.002)
    os.close(fd)


@pytest.mark.parametrize("blocking", [True, False])
def test_slow_reader_gets_everything(blocking: bool) -> None:
    reading, writing = os.pipe()
    if not blocking:
        fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
    received: list[bytes] = []
    reader = threading.Thread(target=read_slowly, args=(reading, received))
    reader.start()
    sink = Sink(writing)
    sent = os.urandom(1_500_000)
    for start in range(0, len(sent), 70_001):
        sink.write(sent[start : start + 70_001])
    sink.flush()
    os.close(writing)
    reader.join()
    assert b"".join(received) == sent


def test_signals_do_not_lose_bytes() -> None:
    reading, writing = os.pipe()
    received: list[bytes] = []
    reader = threading.Thread(target=read_slowly, args=(reading, received))
    caught: list[int] = []
    previous = signal.signal(signal.SIGALRM, lambda number, frame: caught.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        reader.start()
        sink = Sink(writing)
        sink.write(b"x" * 1_000_000)
        sink.flush()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        os.close(writing)
        reader.join()
    assert b"".join(received) == b"x" * 1_000_000
    assert caught


def test_vanished_reader_ends_the_query() -> None:
    reading, writing = os.pipe()
    sink = Sink(writing)
    sink.write("some text")
    os.close(reading)
    with pytest.raises(QueryFailed, match="closed the connection"):
        sink.flush()
    with pytest.raises(QueryFailed):  # and the sink remembers
        sink.write("more")
    os.close(writing)


def test_unwritable_descriptor_is_named() -> None:
    reading, writing = os.pipe()
    sink = Sink(reading)
    sink.write("text")
    with pytest.raises(StorageError, match="Bad file descriptor"):
        sink.flush()
    os.close(reading)
    os.close(writing)
