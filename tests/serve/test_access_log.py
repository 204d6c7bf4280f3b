"""A line for each request, whatever became of it, and whatever the client has put into it."""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT, eventually, exchange, pid_in, start_http

from osm3s.log import append
from osm3s.serve.access_log import AccessLog, Entry

GET = "GET /api/interpreter?data={} HTTP/1.1\r\nConnection: close\r\n{}\r\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture
def logged_port(frontend: Path, path: Path) -> Iterator[int]:
    with closing(AccessLog(str(path))) as log:
        port, end = start_http(frontend, access_log=log)
        yield port
        end()


def entries(path: Path, number: int) -> list[dict[str, Any]]:
    """The lines of the log, once there are so many. A line is written after the last byte of the answer."""
    assert eventually(lambda: path.read_text().count("\n") >= number, within_s=60)
    lines = path.read_text().splitlines()
    assert len(lines) == number
    return [json.loads(line) for line in lines]


def test_answers_and_refusals(logged_port: int, path: Path) -> None:
    answers = [
        exchange(logged_port, GET.format("echo", "User-Agent: QGIS/3\r\n").encode()),
        exchange(logged_port, GET.format("refuse=429", "").encode()),
        exchange(logged_port, GET.format("stream=20000", "").encode()),
        exchange(logged_port, b"GET /nowhere HTTP/1.1\r\n\r\n"),
        exchange(logged_port, b"nonsense\r\n\r\n"),
        exchange(logged_port, GET.format("crash", "").encode()),
        exchange(logged_port, GET.format("echo", "").encode()),
    ]
    found = entries(path, len(answers))
    assert [entry["status"] for entry in found] == [200, 429, 200, 404, 400, 500, 200]
    for entry, answer in zip(found, answers, strict=True):
        assert entry["bytes"] in (len(answer), None)
        assert entry["client"] == "127.0.0.1" and entry["seconds"] >= 0 and entry["time"].endswith("Z")
    assert [(entry["method"], entry["door"]) for entry in found[2:5]] == [("GET", "interpreter"), ("", ""), ("", "")]
    assert (found[0]["agent"], found[6]["agent"]) == ("QGIS/3", "")
    assert found[0]["query"] == found[6]["query"] != found[1]["query"] and len(found[0]["query"]) == 16


def test_each_request_of_a_connection_has_its_line(logged_port: int, path: Path) -> None:
    request = b"POST /api/interpreter HTTP/1.1\r\nContent-Length: 4\r\n\r\necho"
    with socket.create_connection(("127.0.0.1", logged_port), 60) as client:
        sizes = []
        for number in (1, 2, 3):
            client.sendall(request)
            answer = client.recv(100_000)
            while not answer.endswith(b"echo"):
                answer += client.recv(100_000)
            sizes.append(len(answer))
            entries(path, number)
    assert [entry["bytes"] or sizes[0] for entry in entries(path, 3)] == sizes


def test_a_client_that_leaves(logged_port: int, path: Path, tmp_path: Path) -> None:
    with socket.create_connection(("127.0.0.1", logged_port), 60) as client:
        client.sendall(GET.format(f"hang={tmp_path}/pid", "").encode())
        pid_in(tmp_path / "pid")
    (entry,) = entries(path, 1)
    assert entry["status"] == 499


def test_what_clients_send_cannot_forge_lines(logged_port: int, path: Path) -> None:
    agents = ['"}', '", "status": 200, "x": "', "\\", "\x85\u00e9", "\x1b[31m", "a" * 60_000]
    for agent in agents:
        exchange(logged_port, GET.format("echo", f"User-Agent: {agent}\r\n").encode("latin-1"))
    assert path.read_bytes().isascii()
    assert [entry["agent"] for entry in entries(path, len(agents))] == [agent[:256] for agent in agents]


def test_rotation(logged_port: int, path: Path) -> None:
    exchange(logged_port, GET.format("echo", "").encode())
    entries(path, 1)
    old = path.rename(path.with_suffix(".log.1"))
    exchange(logged_port, GET.format("refuse=400", "").encode())
    assert eventually(path.exists, within_s=60)
    assert entries(path, 1)[0]["status"] == 400 and entries(old, 1)[0]["status"] == 200
    path.unlink()
    path.mkdir()  # nothing can be written now: the client does not notice
    assert exchange(logged_port, GET.format("echo", "").encode()).startswith(b"HTTP/1.1 200 ")


def test_a_line_that_the_full_disk_cuts_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = AccessLog(str(path))
    log.note(Entry("1.2.3.4"), 200, 1)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
    try:
        log.note(Entry("1.2.3.4"), 404, 1)
        append(str(path), "a line of another log")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    log.note(Entry("1.2.3.4"), 429, 1)
    assert [json.loads(line)["status"] for line in path.read_text().splitlines()] == [200, 429]
    log.close()


def test_a_log_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "osm_base.idx").touch()
    command = [sys.executable, "-m", "osm3s.cli.server", f"--db-dir={tmp_path}", "--port=0", f"--access-log={tmp_path}"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"The access log {tmp_path} cannot be written: Is a directory.\n"
