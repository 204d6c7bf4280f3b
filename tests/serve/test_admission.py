"""Slots, waiting, load and duplicates end to end: real servers, dispatcher and frontends, over HTTP and CGI.

The slots are taken by sessions that this process has with the dispatcher, so nothing depends on how long a query runs.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from osm3s.cli import api_key
from osm3s.dispatch.api_keys import FIRST_TOKEN, ApiKeys, add_key
from osm3s.dispatch.client import DispatcherClient
from osm3s.errors import UsageError
from osm3s.paths import DatabaseDir

PROJECT = Path(__file__).resolve().parent.parent.parent
LOCAL, OTHER = "127.0.0.1", "203.0.113.9"
OSM = "<osm version='0.6'><node id='1' lat='1' lon='2' version='1'/></osm>"
QUERY = "[out:json];node(1);out;"
RATE_LIMITED = (
    "runtime error: open64: 0 Success /osm3s_osm_base Dispatcher_Client::request_read_and_idx::rate_limited. "
    "Please check /api/status for the quota of your IP address."
)
TOO_BUSY = (
    "runtime error: open64: 0 Success /osm3s_osm_base Dispatcher_Client::request_read_and_idx::timeout. "
    "The server is probably too busy to handle your request."
)


class Answer(NamedTuple):
    status: int
    retry_after_s: int
    text: str

    @property
    def error(self) -> str:
        """The text of the error page."""
        (text,) = re.findall(r'<p><strong style="color:#FF0000">Error</strong>: (.*?) </p>', self.text)
        return str(text)


class Site:
    """A server with one slot per client."""

    def __init__(self, db: Path, url: str) -> None:
        self.db = db
        self.url = url

    def http(self, place: str = "interpreter", query: str = QUERY, address: str = "", key: str = "") -> Answer:
        data = urllib.parse.urlencode({"data": query}).encode() if place == "interpreter" else None
        request = urllib.request.Request(f"{self.url}/{place}", data)
        if key:
            request.add_header("X-API-Key", key)
        if address:
            request.add_header("X-Forwarded-For", address)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, 0, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, int(error.headers["Retry-After"] or 0), error.read().decode())

    def cgi(self, address: str, query: str = QUERY) -> str:
        env = os.environ | {"REQUEST_METHOD": "POST", "REMOTE_ADDR": address, "OVERPASS_DB_DIR": str(self.db)}
        program = str(PROJECT / "cgi-bin" / "interpreter")
        return subprocess.run([program], input=query, env=env, capture_output=True, text=True, timeout=60).stdout

    def dispatcher(self, *options: str) -> None:
        env = os.environ | {"OVERPASS_DB_DIR": str(self.db)}
        subprocess.run([str(PROJECT / "bin" / "dispatcher"), "--osm-base", *options], env=env, check=True, timeout=60)

    def status(self) -> str:
        with DispatcherClient.connect(str(self.db)) as client:
            return client.status()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        db, env = Path(name) / "db", os.environ | {"PYTHONPATH": str(PROJECT), "OSM3S_SHM_DIR": name}
        update = [sys.executable, "-m", "osm3s.cli.update_database", f"--db-dir={db}"]
        subprocess.run(update, input=OSM.encode(), env=env, check=True, capture_output=True)
        options = [f"--db-dir={db}", "--port=0", "--with-dispatcher", "--rate-limit=1", f"--trusted-proxy={LOCAL}"]
        command = [sys.executable, "-m", "osm3s.cli.server", *options]
        server = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        yield Site(db, server.stdout.readline().strip().removesuffix("/interpreter"))
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
        server.stdout.close()


@pytest.fixture
def held(site: Site) -> Iterator[Callable[..., None]]:
    """Call it to take a slot (`wait`: to wait for one) as the client of an address until the test ends."""
    with ExitStack() as stack:

        def hold(address: str, query: str = "another query", *, wait: bool = False, timeout_s: int = 10) -> None:
            client = stack.enter_context(DispatcherClient.connect(str(site.db)))
            client.ask_to_read(timeout_s, 1000, query, address)
            if not wait:
                stack.enter_context(client.granted_reading())

        yield hold


def eventually(condition: Callable[[], object]) -> None:
    give_up_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up_s
        time.sleep(0.01)


def test_a_client_that_asks_too_much_is_told_so(site: Site, held: Callable[..., None]) -> None:
    held(OTHER)
    for number in range(3):
        held(OTHER, f"waiting {number}", wait=True)
    answer = site.http(address=OTHER)
    assert (answer.status, answer.error) == (429, RATE_LIMITED) and answer.retry_after_s > 0
    head = site.cgi(OTHER).partition("\n\n")[0]
    assert "Status: 429 Too Many Requests\n" in head and re.search(r"^Retry-After: [1-9]\d*$", head, re.MULTILINE)
    assert site.http().status == 200 and '"id": 1' in site.cgi(LOCAL)  # the others go on
    assert "Counter of rate limited requests: 2\n" in site.status()


def test_a_client_waits_for_its_slot(site: Site) -> None:
    answers: list[Answer] = []
    query = "node(1);out ids;"
    log = site.db / "transactions.log"
    with DispatcherClient.connect(str(site.db)) as client:
        with client.reading(10, 1000, "another query", OTHER):
            waiting = threading.Thread(target=lambda: answers.append(site.http(query=query, address=OTHER)))
            waiting.start()
            eventually(lambda: f"requesting {query}" in log.read_text())
            assert not answers
        waiting.join(60)
    assert [answer.status for answer in answers] == [200]


def test_limits_are_changed_while_it_runs(site: Site, held: Callable[..., None]) -> None:
    held(OTHER)
    for number in range(3):
        held(OTHER, f"waiting {number}", wait=True)
    assert site.http(address=OTHER).status == 429
    site.dispatcher("--rate-limit=9")
    try:
        assert site.http(address=OTHER).status == 200
        site.dispatcher("--space=100000000", "--time=500")
        assert site.status().splitlines()[2:4] == ["Rate limit: 9", "Total available space: 100000000"]
        answer = site.http()  # claims more than half of it
        assert (answer.status, answer.error) == (504, TOO_BUSY) and answer.retry_after_s > 0
        assert site.cgi("").startswith("Status: 504 Gateway Timeout\n")
        assert site.http(query=f"[timeout:251][maxsize:1000];{QUERY[11:]}").status == 504
        assert site.http(query=f"[timeout:200][maxsize:1000];{QUERY[11:]}").status == 200
        assert "Counter of load shedded requests: 3\n" in site.status()
    finally:
        site.dispatcher("--rate-limit=1", f"--space={12 << 30}", "--time=262144")


def test_the_same_query_again_and_again(site: Site, held: Callable[..., None]) -> None:
    site.dispatcher("--rate-limit=9")
    try:
        for _ in range(3):
            held(OTHER, QUERY)
        answer = site.http(address=OTHER)
        assert answer.status == 429 and answer.error.endswith("::duplicate_query")
        assert site.http(address=OTHER, query=QUERY + "out;").status == 200 and site.http().status == 200
        site.dispatcher("--allow-duplicate-queries=yes")
        assert site.http(address=OTHER).status == 200
        assert "Counter of as duplicate rejected requests: 1\n" in site.status()
    finally:
        site.dispatcher("--rate-limit=1", "--allow-duplicate-queries=no")


def test_the_status_tells_a_client_of_its_slots(site: Site, held: Callable[..., None]) -> None:
    assert site.http("status", address=OTHER).text.splitlines()[3:5] == ["Rate limit: 1", "1 slots available now."]
    held(OTHER, timeout_s=44)
    lines = site.http("status", address=OTHER).text.splitlines()
    assert lines[3:5] == ["Rate limit: 1", "Currently running queries (pid, space limit, time limit, start time):"]
    assert re.fullmatch(rf"{os.getpid()}\t1000\t44\t\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ", lines[5]) and len(lines) == 6


def test_a_key_gives_slots_of_its_own(site: Site, held: Callable[..., None]) -> None:
    held(OTHER)
    for number in range(3):
        held(OTHER, f"waiting {number}", wait=True)
    assert site.http(address=OTHER).status == 429
    key = add_key(DatabaseDir(str(site.db)).api_keys, 2, "ann of the office")
    assert site.http(address=OTHER, key=key).status == 200
    assert site.http(f"interpreter?data=node(1);out;&apikey={key}", address=OTHER).status == 200
    assert site.http(address=OTHER, key="guessed").status == 429
    lines = site.http("status", address=OTHER, key=key).text.splitlines()
    assert lines[3:5] == ["Rate limit: 2", "2 slots available now."]
    assert site.http(f"status?apikey={key}", address=OTHER).text.splitlines()[3:5] == lines[3:5]
    env = os.environ | {"OVERPASS_DB_DIR": str(site.db), "REMOTE_ADDR": OTHER, "REQUEST_METHOD": "GET"}
    env |= {"QUERY_STRING": "data=node(1);out;", "HTTP_X_API_KEY": key}
    program = str(PROJECT / "cgi-bin" / "interpreter")
    assert '<node id="1"' in subprocess.run([program], env=env, capture_output=True, text=True, timeout=60).stdout
    Path(DatabaseDir(str(site.db)).api_keys).write_text("# withdrawn\nnonsense 3 x\n")
    assert site.http(address=OTHER, key=key).status == 429


def test_the_program_that_makes_keys(tmp_path: Path) -> None:
    key = api_key.make(["ann", "--slots=3", f"--db-dir={tmp_path}"])
    api_key.make(["bob", f"--db-dir={tmp_path}"])
    path = DatabaseDir(str(tmp_path)).api_keys
    budget = ApiKeys(path).budget(key)
    assert budget is not None and (budget.slots, budget.name) == (3, "ann") and budget.token >= FIRST_TOKEN
    assert ApiKeys(path).budget("other") is None and ApiKeys(path + ".none").budget(key) is None
    assert key not in Path(path).read_text() and os.stat(path).st_mode & 0o077 == 0
    for wrong in ([], ["--slots=x", "a"], ["a", "b"]):
        with pytest.raises(UsageError):
            api_key.make([*wrong, f"--db-dir={tmp_path}"])
