"""A frontend process answers the next query too, unless something out of the ordinary has happened in it."""

from __future__ import annotations

import os
import re
import select
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_engine import FakeEngine
from test_doors import start_frontend

import osm3s
from osm3s.errors import Osm3sError
from osm3s.serve import child, reuse
from osm3s.serve.board import FREE, LEAVING, RUNNING, WAITING, Board, Seat
from osm3s.serve.local import LocalDatabase


@pytest.fixture(scope="module")
def db() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        Path(name, "osm_base.idx").touch()
        process = start_frontend(Path(name), "--reuse=50")
        yield name
        process.terminate()
        assert process.wait(60) == 0


def pid_of_answer(db: str) -> int:
    found = re.search(r"<!-- pid (\d+) -->", osm3s.connect(db).query("node[pid];out;").text)
    assert found is not None
    return int(found[1])


def test_one_process_answers_several_queries(db: str) -> None:
    assert len({pid_of_answer(db) for _ in range(40)}) < 10


def test_every_query_has_a_process_of_its_own_unless_told_otherwise() -> None:
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        Path(name, "osm_base.idx").touch()
        frontend = start_frontend(Path(name))
        assert len({pid_of_answer(name) for _ in range(12)}) == 12
        frontend.terminate()
        assert frontend.wait(60) == 0


@pytest.mark.parametrize("order", ["timeout", "memory", "corrupt", "broken", "regex"])
def test_a_process_whose_query_failed_answers_no_other(db: str, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse.process, "stays", True)
    with pytest.raises((Osm3sError, KeyError)):
        LocalDatabase(db)._answer(f"node[{order}];out;", FakeEngine())
    assert not reuse.process.after_query()


def test_a_process_that_has_grown_answers_no_other() -> None:
    process = reuse.Reuse()
    process.begin(250)
    assert process.after_query()
    grown = bytearray(b"x" * (reuse.MOST_GROWTH_BYTES + (8 << 20)))
    assert not process.after_query()
    assert len(grown) > reuse.MOST_GROWTH_BYTES


def test_no_process_answers_for_ever() -> None:
    process = reuse.Reuse()
    process.begin(250)
    assert [process.after_query() for _ in range(251)].count(True) == 249


def test_the_board(tmp_path: Path) -> None:
    board = Board(seats=4, waiting_wanted=2)
    with open(tmp_path / "calls", "w+b", buffering=0) as calls:
        seats = [Seat(board, number, calls.fileno()) for number in range(4)]
        assert board.free_seat() == 0
        for seat in seats[:2]:
            seat.wait()
        assert (board.free_seat(), board.count(WAITING)) == (2, 2)
        seats[0].run()
        assert calls.tell() == 0  # one still waits
        seats[1].run()
        assert calls.tell() == 1
        assert [board.state(number) for number in range(4)] == [RUNNING, RUNNING, FREE, FREE]
        for seat, superfluous in zip(seats, [False, False, True, True], strict=True):
            seat.wait()
            assert seat.superfluous == superfluous
        assert board.free_seat() is None
        seats[3].leave()
        assert board.state(3) == LEAVING


def test_processes_of_a_rush_go_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "RUSH_S", 0.01)
    board = Board(seats=3, waiting_wanted=1)
    alive, alive_in = os.pipe()
    with socket.socket(socket.AF_UNIX) as listener, select.epoll() as events:
        events.register(alive, select.EPOLLIN)
        seats = [Seat(board, number, alive_in) for number in range(2)]
        for seat in seats:
            seat.wait()
        assert child._next_client(listener, events, alive, seats[1]) is None  # nobody has come: it may leave
        seats[1].leave()
        os.write(alive_in, b"end")
        assert child._next_client(listener, events, alive, seats[0]) is None  # it would wait, but the parent has gone
    os.close(alive)
    os.close(alive_in)
