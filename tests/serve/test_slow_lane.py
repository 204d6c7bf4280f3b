"""Queries that use much of a processor make room for the others: real processes, told apart by what the kernel says."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import HERE, PROJECT, eventually, exchange, pid_in, process_ended, start_http

WAIT_S = 60
CHEAP = b"GET /api/interpreter?data=cheap HTTP/1.0\r\n\r\n"


@pytest.fixture
def burning_port(tmp_path: Path, place: Path) -> Iterator[int]:
    path = place / "burning"
    command = [sys.executable, str(HERE / "burning_frontend.py"), str(path), str(tmp_path / "log")]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(PROJECT)}, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.read(1) == b"\n"
    port, end = start_http(path)
    yield port
    end()
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT_S) == 0
    process.stdout.close()


class Burner:
    """A client whose query uses a processor until somebody ends it."""

    def __init__(self, port: int, file: Path, order: str = "burn") -> None:
        self.client = socket.create_connection(("127.0.0.1", port), WAIT_S)
        self.client.sendall(f"GET /api/interpreter?data={order}={file} HTTP/1.0\r\n\r\n".encode())
        self.pid = pid_in(file)

    @property
    def waits(self) -> bool:
        """Whether it has become slow and sleeps."""
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return stat[0] == "S" and self.is_slow

    @property
    def is_slow(self) -> bool:
        return os.getpriority(os.PRIO_PROCESS, self.pid) > os.getpriority(os.PRIO_PROCESS, 0)


def test_one_slow_query_runs_at_a_time_and_cheap_ones_at_once(burning_port: int, tmp_path: Path) -> None:
    first = Burner(burning_port, tmp_path / "1")
    assert eventually(lambda: first.is_slow, WAIT_S) and not first.waits
    others = [Burner(burning_port, tmp_path / str(number)) for number in (2, 3, 4)]
    assert eventually(lambda: all(burner.waits for burner in others), WAIT_S)
    assert exchange(burning_port, CHEAP).endswith(b"cheap")
    assert not first.waits and all(burner.waits for burner in others)

    leaving, *rest = others
    leaving.client.close()  # a query that waits ends with its client, too
    assert eventually(lambda: process_ended(leaving.pid), WAIT_S)

    os.kill(first.pid, signal.SIGKILL)  # its token is not lost
    assert eventually(lambda: sum(not burner.waits for burner in rest) == 1, WAIT_S)
    (running,) = (burner for burner in rest if not burner.waits)
    (waiting,) = (burner for burner in rest if burner.waits)
    running.client.close()
    assert eventually(lambda: not waiting.waits, WAIT_S)
    assert exchange(burning_port, CHEAP).endswith(b"cheap")
    for burner in (first, waiting):
        burner.client.close()


def test_a_query_may_go_to_the_slow_lane_by_itself(burning_port: int, tmp_path: Path) -> None:
    """It has run there before it tells its number."""
    first = Burner(burning_port, tmp_path / "1", "change")
    assert first.is_slow
    os.kill(first.pid, signal.SIGKILL)  # its token is not lost
    second = Burner(burning_port, tmp_path / "2", "change")
    assert second.is_slow
    for burner in (first, second):
        burner.client.close()
