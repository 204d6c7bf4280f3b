"""What those who watch a server ask it: healthz and metrics, over HTTP and CGI."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from osm3s.dispatch.client import DispatcherClient
from osm3s.dispatch.histogram import BOUNDS_S, Histogram

PROJECT = Path(__file__).resolve().parent.parent.parent
OSM = "<osm version='0.6'><node id='1' lat='1' lon='2' version='1'/></osm>"
SAMPLE = re.compile(r'osm3s_[a-z_]+(\{[a-z]+="[^"]+"\})? -?[0-9.e+-]+')


@pytest.fixture(scope="module")
def db() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        db, env = Path(name) / "db", os.environ | {"PYTHONPATH": str(PROJECT)}
        update = [sys.executable, "-m", "osm3s.cli.update_database", f"--db-dir={db}", "--version=2020-01-01T00:00:00Z"]
        subprocess.run(update, input=OSM.encode(), env=env, check=True, capture_output=True)
        yield db


@pytest.fixture(scope="module")
def server(db: Path) -> Iterator[str]:
    """Started where another package of that name lies, which must not be taken for ours."""
    decoy = db.parent / "osm3s"
    decoy.mkdir()
    (decoy / "__init__.py").write_text("raise SystemExit('the wrong code')")
    env = os.environ | {"OSM3S_SHM_DIR": str(db.parent)}
    command = [str(PROJECT / "bin" / "osm3s_server"), f"--db-dir={db}", "--port=0", "--with-dispatcher"]
    process = subprocess.Popen(command, env=env, cwd=db.parent, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip().removesuffix("/api/interpreter")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    process.stdout.close()


def fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def values(text: str) -> dict[str, float]:
    """The samples by name and label; every line is of the format, every sample has been announced."""
    found, announced = {}, set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            announced.add(line.split()[2])
        elif not line.startswith("# HELP "):
            assert SAMPLE.fullmatch(line), line
            name, value = line.rsplit(" ", 1)
            family = re.sub(r"(_bucket|_sum|_count)?(\{.*)?$", "", name)
            assert family in announced or name in announced
            found[name] = float(value)
    return found


def test_a_server_in_good_health(server: str) -> None:
    assert fetch(f"{server}/healthz") == fetch(f"{server}/api/healthz") == (200, "ok\n")
    status, text = fetch(f"{server}/healthz?max_lag=3600")
    assert status == 503 and re.fullmatch(r"The data is \d+ seconds old\.\n", text)
    assert fetch(f"{server}/healthz?max_lag=99999999999")[0] == 200
    assert fetch(f"{server}/interpreter")[0] == 404


@pytest.mark.parametrize(("max_lag", "status"), [("9" * 5000, 200), ("0", 503), ("abc", 200), ("-1", 200)])
def test_the_lag_that_is_allowed(server: str, max_lag: str, status: int) -> None:
    assert fetch(f"{server}/healthz?max_lag={max_lag}")[0] == status


def test_metrics_count(server: str, db: Path) -> None:
    before = values(fetch(f"{server}/metrics")[1])
    with DispatcherClient.connect(str(db)) as client, client.reading(7, 1000, "a query", "1.2.3.4"):
        during = values(fetch(f"{server}/metrics")[1])
    assert fetch(f"{server}/api/interpreter?data=node(1);out;")[0] == 200
    with DispatcherClient.connect(str(db)) as client:  # what was told the dispatcher before, it has heard by now
        client.status()
    after = values(fetch(f"{server}/metrics")[1])
    assert during["osm3s_queries_running"] == 1 and during["osm3s_time_claimed_seconds"] == 7
    assert after["osm3s_queries_started_total"] == before["osm3s_queries_started_total"] + 2
    assert after["osm3s_query_wait_seconds_count"] == after["osm3s_queries_started_total"]
    assert after["osm3s_dispatcher_up"] == 1 and after["osm3s_database_version"] > 0
    assert after["osm3s_database_bytes"] > 0 and after["osm3s_disk_free_bytes"] > 0
    assert after["osm3s_data_lag_seconds"] > 1e8


def test_monitoring_plugins_find_what_they_parse(server: str, db: Path) -> None:
    """Munin's plugins for the reference take words by their place in lines of `dispatcher --status`."""
    command = [sys.executable, "-m", "osm3s.cli.dispatcher", "--osm-base", f"--db-dir={db}", "--status"]
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    status = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True).stdout
    counters = [line.split() for line in status.splitlines() if line.startswith("Counter")]
    by_third = {words[2]: words for words in counters}
    assert all(by_third[word][4].isdigit() for word in ("started", "finished"))
    assert all(by_third[word][5].isdigit() for word in ("load", "rate"))
    assert by_third["as"][3] == "duplicate" and by_third["as"][6].isdigit()
    for start in ("Average claimed space:", "Average claimed time units:"):
        (line,) = [line for line in status.splitlines() if line.startswith(start)]
        assert line.removeprefix(start).strip().isdigit()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", (db / "osm_base_version").read_text())


def test_over_cgi(server: str, db: Path) -> None:
    env = os.environ | {"OVERPASS_DB_DIR": str(db), "REQUEST_METHOD": "GET"}
    done = subprocess.run([str(PROJECT / "cgi-bin/healthz")], env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("\n\nok\n")


def test_without_a_dispatcher(tmp_path: Path) -> None:
    env = os.environ | {"OVERPASS_DB_DIR": str(tmp_path), "REQUEST_METHOD": "GET", "OSM3S_SHM_DIR": str(tmp_path)}
    done = subprocess.run([str(PROJECT / "cgi-bin/healthz")], env=env, capture_output=True, text=True, timeout=60)
    assert "Status: 503 Service Unavailable\n" in done.stdout
    assert done.stdout.partition("\n\n")[2].startswith("no dispatcher is running")


def test_buckets_are_cumulative() -> None:
    histogram = Histogram()
    for seconds in (0.001, 0.002, 5.0, 1e6):
        histogram.add(seconds)
    lines = histogram.samples("x")
    assert lines[0] == 'x_bucket{le="0.001"} 1' and lines[1] == 'x_bucket{le="0.003"} 2'
    assert lines[len(BOUNDS_S)] == 'x_bucket{le="+Inf"} 4' and lines[-1] == "x_count 4"
    counts = [int(line.split()[-1]) for line in lines[: len(BOUNDS_S) + 1]]
    assert counts == sorted(counts)
