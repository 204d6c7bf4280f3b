"""The doors with the real evaluator and the real dispatcher, on a database of a few elements."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import HERE, PROJECT, start_http

import osm3s
from osm3s.errors import ContextError, DispatcherError, QueryRejected, StorageError
from osm3s.serve import admission
from osm3s.serve.request import Database

OSM = """<osm version="0.6">
 <node id="1" lat="47.1" lon="9.5"><tag k="name" v="Ä &amp; b"/></node>
 <node id="2" lat="47.2" lon="9.6"/>
 <way id="7"><nd ref="1"/><nd ref="2"/><tag k="highway" v="track"/></way>
</osm>"""
VERSION = "2026-11-21T00:00:00Z"
IDS = "[out:csv(::type,::id;false)];nwr(47,9,48,10);out;"
EXPECTED = "node\t1\nnode\t2\nway\t7\n"


def module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


@pytest.fixture(scope="module")
def env() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PROJECT)}


@pytest.fixture(scope="module")
def db(env: dict[str, str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        arguments = module("osm3s.cli.update_database", f"--db-dir={name}/db", f"--version={VERSION}")
        subprocess.run(arguments, input=OSM.encode(), env=env, check=True, capture_output=True)
        yield Path(name) / "db"


@pytest.fixture(scope="module")
def server(db: Path, env: dict[str, str]) -> Iterator[str]:
    """URL of a server with a dispatcher that admits two queries at a time."""
    arguments = module("osm3s.cli.server", f"--db-dir={db}", "--port=0", "--with-dispatcher", "--rate-limit=2")
    process = subprocess.Popen(arguments, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().strip().removesuffix("/interpreter")
    yield url
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not (db / "osm3s_frontend").exists()
    assert not (db / "osm3s_osm_base").exists()


def fetch(url: str, data: str | None = None) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, data.encode() if data is not None else None, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_in_this_process(db: Path, tmp_path: Path) -> None:
    database = osm3s.open(str(db))
    assert database.query(IDS).text == EXPECTED
    (node,) = database.query("node[name];out;", format="json").elements
    assert node == {"type": "node", "id": 1, "lat": 47.1, "lon": 9.5, "tags": {"name": "Ä & b"}}
    with pytest.raises(QueryRejected):
        database.query("nonsense")
    with pytest.raises(StorageError):
        osm3s.open(str(tmp_path)).query("node(1);out;")


def test_a_query_in_a_warmed_child_imports_nothing(db: Path, env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "late_imports.py"), str(db)], env=env, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_over_http(server: str) -> None:
    assert fetch(f"{server}/interpreter", f"data={IDS}") == (200, EXPECTED)
    assert fetch(f"{server}/timestamp") == (200, VERSION + "\n")
    status, page = fetch(f"{server}/interpreter", "data=nonsense")
    assert status == 400
    assert "parse error" in page


def test_over_the_socket(server: str, db: Path) -> None:
    connection = osm3s.connect(str(db))
    assert connection.query(IDS).text == EXPECTED
    assert [element["id"] for element in connection.query("way(7);out;", format="json").elements] == [7]


def test_direct_access_is_refused_while_a_dispatcher_runs(server: str, db: Path) -> None:
    with pytest.raises(ContextError, match="indicates a running dispatcher"):
        admission.direct(Database(str(db)))


def test_a_second_server_does_not_start(server: str, db: Path, env: dict[str, str]) -> None:
    for arguments in (["--with-dispatcher"], []):
        command = module("osm3s.cli.server", f"--db-dir={db}", "--port=0", *arguments)
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
    assert fetch(f"{server}/interpreter", f"data={IDS} ")[0] == 200


def test_status_counts_slots(server: str) -> None:
    lines = fetch(f"{server}/status")[1].split("\n")
    assert lines[0] == "Connected as: 2130706433"
    assert lines[3] == "Rate limit: 2"
    assert re.fullmatch(r"[12] slots available now\.|Slot available after: .*, in \d+ seconds\.", lines[4])


@pytest.fixture(params=[1, 50])
def slow_frontend(db: Path, env: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Path]:
    """Another frontend, whose queries sleep if told to; its socket is elsewhere, so that it stands beside the first."""
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        os.symlink(db / "osm3s_osm_base", f"{name}/osm3s_osm_base")
        options = [f"--db-dir={db}", f"--socket-dir={name}", f"--reuse={request.param}"]
        arguments = [sys.executable, str(HERE / "fake_engine.py"), *options]
        process = subprocess.Popen(arguments, env=env, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.read(1) == b"\n"
        yield Path(name) / "osm3s_frontend"
        process.terminate()
        assert process.wait(60) == 0


def test_running_queries_are_listed_and_can_be_killed(server: str, slow_frontend: Path) -> None:
    port, end = start_http(slow_frontend)
    url = f"http://127.0.0.1:{port}/api"
    try:
        answers: list[tuple[int, str]] = []
        query = threading.Thread(
            target=lambda: answers.append(fetch(f"{url}/interpreter", "data=[timeout:77];node[sleep];out;"))
        )
        query.start()
        listed = None
        give_up = time.monotonic() + 60
        while listed is None and time.monotonic() < give_up:
            time.sleep(0.05)
            listed = re.search(r"\n(\d+)\t536870912\t77\t20\d\d-\S+Z\n", fetch(f"{server}/status")[1])
        assert listed is not None
        assert fetch(f"{server}/kill_my_queries") == (
            200,
            f"Killing query (pid {listed[1]}) from IP 127.0.0.1 ...\nDone!\n",
        )
        query.join(60)
        assert [status for status, _ in answers] == [500]
        assert fetch(f"{server}/kill_my_queries")[1] == "No query running from IP 127.0.0.1\n"
    finally:
        end()


def test_server_usage(db: Path, tmp_path: Path, env: dict[str, str]) -> None:
    for arguments in ([], [f"--db-dir={tmp_path}"], [f"--db-dir={db}", "--port=x"], ["--nonsense"]):
        done = subprocess.run(
            module("osm3s.cli.server", *arguments), env=env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
    with pytest.raises(DispatcherError):
        osm3s.connect(str(tmp_path)).query("out;")


def test_json_over_http_is_json(server: str) -> None:
    status, text = fetch(f"{server}/interpreter?data=%5Bout:json%5D%3Bnode(1)%3Bout%3B")
    assert status == 200
    assert json.loads(text)["osm3s"]["timestamp_osm_base"] == VERSION
