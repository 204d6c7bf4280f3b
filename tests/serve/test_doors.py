"""The launchers, the library's connection and the web server in front of a frontend whose engine obeys orders."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import HERE, PROJECT, exchange, start_http

import osm3s
from osm3s.errors import DispatcherError, QueryFailed, QueryRejected, QueryTimeout

QUERY = PROJECT / "bin" / "osm3s_query"
INTERPRETER = PROJECT / "cgi-bin" / "interpreter"


@pytest.fixture(scope="module")
def db() -> Iterator[Path]:
    """A database directory with a running frontend."""
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        (Path(name) / "osm_base.idx").touch()
        (Path(name) / "osm_base_version").write_text("2026-11-21T00:00:00Z\n")
        process = subprocess.Popen(
            [sys.executable, str(HERE / "fake_engine.py"), f"--db-dir={name}", "--direct", "--idle=3"],
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None and process.stdout.read(1) == b"\n"
        yield Path(name)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.fixture(scope="module", autouse=True)
def launchers() -> None:
    if not (QUERY.exists() and INTERPRETER.exists()):
        pytest.skip("the launchers are not built: run make build")


def run(program: Path, *arguments: str, text: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program), *arguments], input=text, env=os.environ | env, capture_output=True, text=True, timeout=60
    )


def test_osm3s_query(db: Path) -> None:
    done = run(QUERY, f"--db-dir={db}", "--concise", text="[out:json];node(1);out;")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["elements"] == []
    done = run(QUERY, f"--db-dir={db}", "--request=node[timeout];out;")
    assert done.returncode == 2
    assert "runtime error: Query timed out in" in done.stderr
    done = run(QUERY, "--concise", text="foo;", OVERPASS_DB_DIR=str(db))
    assert done.returncode == 0
    assert done.stderr.startswith("line 1: parse error: Unknown type")


def test_osm3s_query_with_a_long_answer_and_a_long_query(db: Path) -> None:
    done = run(QUERY, f"--db-dir={db}", "--concise", text="node[long];out;" + "/*" + "x" * 1_000_000 + "*/")
    assert done.stdout.count("line of a long answer") == 300_000
    assert done.stdout.endswith("</osm>\n")


def test_osm3s_query_without_a_frontend(tmp_path: Path) -> None:
    done = run(QUERY, "--dump-compact-ql", text="node( 1 );out;", OVERPASS_DB_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "node(1);out;\n")
    assert run(QUERY, "--nonsense").returncode == 1
    assert run(QUERY, "--version").stdout.startswith("Overpass API version 0.7.62")
    assert "not available yet" in run(QUERY, "--rules").stderr
    assert run(QUERY, "--clone=x").returncode == 4
    assert run(QUERY, "--help").stdout.startswith("osm3s_query: ")


def test_the_launcher_works_from_anywhere(tmp_path: Path) -> None:
    done = subprocess.run([str(QUERY), "--version"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("Overpass API version")


def test_cgi(db: Path) -> None:
    env = {"OVERPASS_DB_DIR": str(db), "REMOTE_ADDR": "1.2.3.4"}
    posted = run(INTERPRETER, text="data=[out:csv(name)];out;\n", **env)
    assert posted.stdout == "Content-type: text/csv\n\nname\n"
    got = run(INTERPRETER, REQUEST_METHOD="GET", QUERY_STRING="data=%5Bout%3Acsv(name)%5D%3Bout%3B", **env)
    assert got.stdout == posted.stdout
    short = run(INTERPRETER, text="data=[out:csv(name)];out;&more", CONTENT_LENGTH="25", REQUEST_METHOD="POST", **env)
    assert short.stdout == posted.stdout
    status = run(INTERPRETER.parent / "status", REQUEST_METHOD="GET", **env)
    assert status.stdout.startswith("Content-Type: text/plain; charset=utf-8\nAccess-Control-Allow-Origin: *\n\n")
    assert "Connected as: 16909060\n" in status.stdout
    timestamp = run(INTERPRETER.parent / "timestamp", REQUEST_METHOD="GET", **env)
    assert timestamp.stdout == "Content-type: text/plain\n\n2026-11-21T00:00:00Z\n"


def test_a_launcher_that_is_killed_ends_its_query(db: Path) -> None:
    before = children(db)
    process = subprocess.Popen([str(QUERY), f"--db-dir={db}", "--request=node[sleep];out;"], stdout=subprocess.PIPE)
    time.sleep(0.3)
    process.kill()
    process.wait()
    give_up = time.monotonic() + 1
    while len(children(db)) > len(before) and time.monotonic() < give_up:
        time.sleep(0.02)
    assert len(children(db)) <= len(before)


def test_a_reader_that_closes_the_pipe_ends_its_query(db: Path) -> None:
    process = subprocess.Popen([str(QUERY), f"--db-dir={db}", "--request=node[sleep];out;"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    time.sleep(0.2)
    process.stdout.close()
    assert process.wait(2) != 0


def children(db: Path) -> list[int]:
    """pids of the frontend's children."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"--db-dir={db}".encode() in path.read_bytes() and b"fake_engine" in path.read_bytes():
                text = (path.parent / "task" / path.parent.name / "children").read_text()
                if text:
                    return [int(pid) for pid in text.split()]
        except OSError:
            continue
    return []


def test_connection_of_the_library(db: Path, tmp_path: Path) -> None:
    connection = osm3s.connect(str(db))
    assert connection.query("node(1);out;", format="json").elements == []
    assert connection.query("node(1);out;").text.startswith("<?xml")
    assert connection.query("node[long];out;").content.count(b"\n") > 300_000
    with pytest.raises(QueryRejected) as rejected:
        connection.query("node(1)\nfoo;")
    assert rejected.value.messages[0].line == 2
    with pytest.raises(QueryTimeout):
        connection.query("node[timeout];out;")
    with pytest.raises(QueryFailed, match="out of memory"):
        connection.query("node[memory];out;")
    with pytest.raises(DispatcherError, match="osm3s_frontend"):
        osm3s.connect(str(tmp_path)).query("out;")


def test_connections_of_several_threads(db: Path) -> None:
    connection = osm3s.connect(str(db))
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: answers.append(connection.query("node(1);out;").content)) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 10
    assert len(set(answers)) == 1


def test_web_server(db: Path) -> None:
    port, end = start_http(db / "osm3s_frontend")
    try:
        get = b"GET /api/interpreter?data=%s HTTP/1.1\r\nConnection: close\r\n\r\n"
        head, _, body = exchange(port, get % b"[out:json];out;").partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nContent-type: application/json\r\n" in head
        assert f"Content-Length: {len(body)}".encode() in head
        assert json.loads(body)["elements"] == []
        assert exchange(port, get % b"foo;").startswith(b"HTTP/1.1 400 Bad Request\r\n")
        long = exchange(port, get % b"node[long];out;")
        assert b"Transfer-Encoding: chunked" in long
        assert long.endswith(b"</osm>\n\r\n0\r\n\r\n")
        status = exchange(port, b"GET /api/status HTTP/1.0\r\n\r\n")
        assert b"Content-type: text/plain; charset=utf-8\r\n" in status
    finally:
        end()
