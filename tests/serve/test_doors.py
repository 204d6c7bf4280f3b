"""The launchers, the library's connection and the web server in front of a frontend whose engine obeys orders."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import HERE, PROJECT, eventually, exchange, pid_in, process_ended, start_http

import osm3s
from osm3s.constants import MAX_QUERY_BYTES
from osm3s.errors import DispatcherError, QueryFailed, QueryRejected, QueryTimeout
from osm3s.serve import wire
from osm3s.serve.request import Request

QUERY = PROJECT / "bin" / "osm3s_query"
INTERPRETER = PROJECT / "cgi-bin" / "interpreter"


@pytest.fixture(scope="module")
def db() -> Iterator[Path]:
    """A database directory with a running frontend."""
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        (Path(name) / "osm_base.idx").touch()
        (Path(name) / "osm_base_version").write_text("2026-11-21T00:00:00Z\n")
        process = start_frontend(Path(name))
        yield Path(name)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


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
    assert re.fullmatch(r"Overpass API version 0\.7\.62 [0-9a-f]{40}\n", run(QUERY, "--version").stdout)
    assert "only whitespace" in run(QUERY, "--rules").stderr
    missing = run(QUERY, f"--clone={tmp_path}/clone", OVERPASS_DB_DIR=str(tmp_path / "missing"))
    assert (missing.returncode, "There is no database in" in missing.stderr) == (1, True)
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
    assert status.stdout.startswith("Access-Control-Allow-Origin: *\nContent-type: text/plain; charset=utf-8\n\n")
    assert "Connected as: 16909060\n" in status.stdout
    timestamp = run(INTERPRETER.parent / "timestamp", REQUEST_METHOD="GET", **env)
    assert timestamp.stdout == "Access-Control-Allow-Origin: *\nContent-type: text/plain\n\n2026-11-21T00:00:00Z\n"


@pytest.mark.parametrize("how", ["killed", "nobody reads"])
def test_a_launcher_that_ends_takes_its_query_along(db: Path, how: str) -> None:
    note = db / "sleeping"
    note.unlink(missing_ok=True)
    process = subprocess.Popen([str(QUERY), f"--db-dir={db}", "--request=node[sleep];out;"], stdout=subprocess.PIPE)
    pid = pid_in(note)
    assert process.stdout is not None
    if how == "killed":
        process.kill()
    process.stdout.close()
    assert process.wait(60) != 0
    assert eventually(lambda: process_ended(pid), within_s=60)


def test_an_interrupted_connection_ends_its_query(db: Path) -> None:
    note = db / "sleeping"
    note.unlink(missing_ok=True)
    program = f"import osm3s; osm3s.connect({str(db)!r}).query('node[sleep];out;')"
    process = subprocess.Popen([sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(PROJECT)})
    pid = pid_in(note)
    process.kill()
    process.wait()
    assert eventually(lambda: process_ended(pid), within_s=60)


def test_a_query_process_that_dies_is_an_error(db: Path) -> None:
    note = db / "sleeping"
    note.unlink(missing_ok=True)
    process = subprocess.Popen(
        [str(QUERY), f"--db-dir={db}", "--concise", "--request=node[sleep];out;"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.kill(pid_in(note), signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 70
    assert "has died" in err
    assert "</osm>" not in out


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x01",
        b"\xff\xff\xff\xff",
        b"\x04\x00\x00\x00junk",
        b"\x01\x00\x00\x00\x80",
        b"\x08\x00\x00\x00\x81\xa4door\xc0\xc0",
        Request("interpreter", body=b"data=out;").pack(),
        wire.frame(Request("interpreter", body=b"data=out;")),  # without descriptors
        wire.frame(Request("osm3s_query", "console", body=b"out;")),
    ],
)
def test_nonsense_on_the_socket_harms_nobody(db: Path, message: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(str(db / "osm3s_frontend"))
        client.sendall(message)
        client.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert osm3s.connect(str(db)).query("node(1);out;", format="json").elements == []


def start_frontend(db: Path, *options: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "fake_engine.py"), f"--db-dir={db}", "--direct", "--idle=3", *options],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdout.read(1) == b"\n"
    return process


def test_a_killed_parent_leaves_nothing_in_the_way() -> None:
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        db = Path(name)
        (db / "osm_base.idx").touch()
        parent = start_frontend(db)
        running = subprocess.Popen([str(QUERY), f"--db-dir={db}", "--request=node[sleep];out;"])
        pid = pid_in(db / "sleeping")
        idle = children_of(parent.pid) - {pid}
        parent.kill()
        parent.wait()
        assert eventually(lambda: all(map(process_ended, idle)), within_s=60)
        assert not process_ended(pid)  # its client still waits for it
        assert eventually(lambda: not answers(name), within_s=60)
        parent = start_frontend(db)
        assert osm3s.connect(name).query("node(1);out;", format="json").elements == []
        parent.terminate()
        assert parent.wait(60) == 0
        running.kill()
        running.wait()


def answers(db_dir: str) -> bool:
    with suppress(DispatcherError):
        osm3s.connect(db_dir).query("node(1);out;")
        return True
    return False


def children_of(parent: int) -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.add(int(path.parent.name))
    return found


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


def test_a_body_that_is_too_long_is_not_cut_and_run(db: Path) -> None:
    env = {"OVERPASS_DB_DIR": str(db), "REQUEST_METHOD": "POST"}
    for size in (MAX_QUERY_BYTES, MAX_QUERY_BYTES + 1_000_000):
        text = "data=/*" + "x" * (size - 4) + "*/out;"
        done = run(INTERPRETER, text=text, CONTENT_LENGTH=str(len(text)), **env)
        assert done.stdout.startswith("Status: 400 Bad Request\n")
        assert "encoding error: Input Input too long (length: 1" in done.stdout
