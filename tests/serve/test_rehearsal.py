"""What happens before a client comes leaves no trace but warmth."""

from __future__ import annotations

import os
import resource
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fake_engine import FakeEngine, FakeSnapshot

from osm3s.dispatch.client import DispatcherClient
from osm3s.ffi import lib
from osm3s.serve import admission, child, web
from osm3s.serve.board import Board, Seat
from osm3s.serve.engine import EMPTY
from osm3s.serve.limits import limits_restored
from osm3s.serve.request import Database, Request
from osm3s.serve.reuse import process
from osm3s.serve.slow_log import slow_log

LIMITS = (resource.RLIMIT_CPU, resource.RLIMIT_DATA)


class KeepingEngine(FakeEngine):
    def __init__(self) -> None:
        self.kept: list[str] = []

    def put_by(self, snapshot: FakeSnapshot, db_dir: str) -> None:
        self.kept.append(db_dir)


def state() -> tuple[object, ...]:
    return [resource.getrlimit(which) for which in LIMITS], process.stays, slow_log.threshold_s, admission._prepared


def test_the_dispatcher_knows_of_the_end_before_the_client_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the client's next query could come while this one still counts as running."""
    client, ours = socket.socketpair()
    at_the_end = []

    def tell(self: DispatcherClient, message: tuple[object, ...], origin: str) -> None:
        if message[0] == "read_finished":
            at_the_end.append(select.select([client], [], [], 0)[0])
        told(self, message, origin)

    told = DispatcherClient.tell
    monkeypatch.setattr(DispatcherClient, "tell", tell)
    with client, ours, admission.rehearsing(Database("")), limits_restored():
        web.serve(Request("interpreter", "http", body=b"data=node(1);out;"), ours.fileno(), Database(""), EMPTY)
        assert at_the_end == [[]]
        assert client.recv(100_000).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("query", web.WARM_UP_QUERIES)
def test_an_empty_map_answers_what_is_rehearsed(query: bytes, tmp_path: Path) -> None:
    before = state()
    with open(tmp_path / "answer", "wb") as answer, admission.rehearsing(Database("")), limits_restored():
        web.serve(Request("interpreter", "http", body=query), answer.fileno(), Database(""), EMPTY)
    text = (tmp_path / "answer").read_bytes().decode()
    assert text.startswith("HTTP/1.1 200 OK\r\n") and "error" not in text
    assert state() == before


def test_the_parent_warms_up_without_a_database(tmp_path: Path) -> None:
    before = state()
    asked = []

    def answer(request: Request, descriptors: list[int]) -> int:
        asked.append(request.door)
        return web.serve(request, descriptors[0], Database(str(tmp_path)), FakeEngine())

    child.warm_up(answer)
    assert asked == [child.WARM_UP] * child.WARM_UP_ROUNDS
    assert state() == before
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError):  # and no end of this process by a signal
        os.write(writing, b"x")
    os.close(writing)
    assert os.listdir(tmp_path) == []


def test_a_child_keeps_what_it_has_opened(tmp_path: Path) -> None:
    before, engine = state(), KeepingEngine()
    child.rehearse(lambda request, descriptors: web.serve(request, descriptors[0], Database(str(tmp_path)), engine))
    assert engine.kept == [str(tmp_path)]
    assert state() == before


def test_a_rehearsal_that_fails_changes_nothing(tmp_path: Path) -> None:
    missing = Database(str(tmp_path / "missing"))
    before, engine = state(), KeepingEngine()
    child.rehearse(lambda request, descriptors: web.serve(request, descriptors[0], missing, engine))
    assert engine.kept == []
    assert state() == before


def test_the_board_knows_when_a_client_came_last(tmp_path: Path) -> None:
    board = Board(seats=2, waiting_wanted=1)
    with open(tmp_path / "calls", "wb", buffering=0) as calls:
        first, second = (Seat(board, number, calls.fileno()) for number in range(2))
        before_any = first.calm_s()
        second.run()
        assert 0 <= first.calm_s() < before_any


def test_a_fork_without_pythons_afterwork() -> None:
    pid = lib.osm3s_fork()
    if pid == 0:
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_signs_of_life_without_a_thread() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert lib.osm3s_repeat_message(ours.fileno(), b"alive", 5, 1) == lib.OSM3S_OK
        assert [theirs.recv(5, socket.MSG_WAITALL) for _ in range(3)] == [b"alive"] * 3
        assert lib.osm3s_repeat_no_more() == lib.OSM3S_OK
        assert lib.osm3s_repeat_no_more() == lib.OSM3S_OK
        assert lib.osm3s_repeat_message(ours.fileno(), bytes(65), 65, 1) == lib.OSM3S_IO


def test_a_warmed_parent_has_one_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    started: list[threading.Thread] = []
    threading.setprofile(lambda *_: started.append(threading.current_thread()))
    try:
        child.warm_up(lambda request, outputs: web.serve(request, outputs[0], Database(str(tmp_path)), FakeEngine()))
    finally:
        threading.setprofile(None)
    assert (started, threading.active_count()) == ([], before)


LATE = """
import sys
import osm3s.serve.warm
from osm3s import ql
ql.parse("node(1);out;")
before = set(sys.modules)
ql.parse("node(if:count_tags() > 1);out;")
print(*sorted(set(sys.modules) - before))
"""


def test_nothing_is_left_to_import_for_an_evaluator() -> None:
    late = subprocess.run([sys.executable, "-c", LATE], check=True, capture_output=True, text=True)
    assert late.stdout.split() == []
