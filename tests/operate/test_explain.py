"""How a query was answered: asked for over HTTP and on the command line, and in the log of slow queries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

import osm3s
from osm3s.eval.explanation import STEPS_MAX, Explanation
from osm3s.paths import DatabaseDir
from osm3s.ql.tree import Element
from osm3s.serve import web
from osm3s.serve.engine import NATIVE
from osm3s.serve.request import Database, Request
from osm3s.serve.slow_log import slow_log

PROJECT = Path(__file__).resolve().parent.parent.parent
OSM = (
    "<osm version='0.6'><node id='1' lat='1' lon='2' version='1'><tag k='a' v='b'/></node>"
    "<node id='2' lat='1' lon='3' version='1'/>"
    "<way id='1' version='1'><nd ref='1'/><nd ref='2'/><tag k='c' v='d'/></way></osm>"
)
QUERY = "(node[a=b](0,0,9,9);\nway[c];);out;>;out skel;node[a=b];out count;"
STEPS = ["union (line 1)", "query (line 1)", "query (line 2)", "print (line 2)", "recurse (line 2)", "print (line 2)"]


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = tmp_path_factory.mktemp("explain") / "db"
    update = [sys.executable, "-m", "osm3s.cli.update_database", f"--db-dir={db}"]
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    subprocess.run(update, input=OSM.encode(), env=env, check=True, capture_output=True)
    return db


@pytest.fixture
def logging_all() -> Iterator[None]:
    before, slow_log.threshold_s = slow_log.threshold_s, 1e-9
    yield
    slow_log.threshold_s = before


def http(db: Path, query: str, *, explain: bool) -> str:
    """The answer of the web door, head included; in a process of its own, since a query limits its process."""
    form = urllib.parse.urlencode({"data": query} | ({"explain": "1"} if explain else {}))
    reading, writing = os.pipe()
    request = Request("interpreter", "cgi", body=form.encode(), remote_addr="1.2.3.4")
    pid = os.fork()
    if pid == 0:
        try:
            web.serve(request, writing, Database(str(db), direct=True), NATIVE)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as answer:
        text = answer.read()
    assert os.waitpid(pid, 0)[1] == 0
    return text


def steps(text: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if "(line " in line]


def test_over_http(db: Path) -> None:
    head, _, text = http(db, QUERY, explain=True).partition("\n\n")
    assert "text/plain" in head and "<osm" not in text
    assert steps(text)[:6] == STEPS and steps(text)[6] == "query (line 2)"
    assert "nodes with tags: 1 blocks read, 0 skipped, chosen by place\n" in text
    assert "found 1 nodes\n" in text and "found 1 ways\n" in text
    assert "counted in the tag directory" in text
    assert '<node id="1"' in http(db, QUERY, explain=False)


def test_a_query_that_is_rejected_or_fails(db: Path) -> None:
    assert "parse error" in http(db, "node(", explain=True)
    text = http(db, "node[a=b];out;way(newer:'2020-01-01T00:00:00Z');out;", explain=True)
    assert steps(text)[:2] == ["query (line 1)", "print (line 1)"]
    assert text.endswith("Tried to use meta file but no meta files available on this instance.\n")


def test_on_the_command_line(db: Path) -> None:
    command = [sys.executable, "-m", "osm3s.cli.osm3s_query", f"--db-dir={db}", "--explain", f"--request={QUERY}"]
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert steps(done.stdout)[:6] == STEPS and "<osm" not in done.stdout


@pytest.mark.usefixtures("logging_all")
def test_slow_queries_are_logged_with_their_plans(db: Path) -> None:
    log = Path(DatabaseDir(str(db)).slow_queries_log)
    http(db, QUERY, explain=False)
    http(db, "[timeout:7];way(newer:'2020-01-01T00:00:00Z');out;", explain=False)
    slow_log.threshold_s = 1000
    osm3s.open(str(db)).query(QUERY)
    first, second = [json.loads(line) for line in log.read_text().splitlines()]
    assert first["query"].strip() == QUERY and first["outcome"] == "ok" and first["address"] == "1.2.3.4"
    assert [f"{step['statement']} (line {step['line']})" for step in first["plan"]][:6] == STEPS
    assert [step["depth"] for step in first["plan"]][:4] == [0, 1, 1, 0]
    assert second["timeout_s"] == 7 and second["outcome"].startswith("Tried to use meta file")


def test_a_loop_of_a_million_steps_is_not_kept() -> None:
    explanation = Explanation()
    for _ in range(STEPS_MAX + 5):
        started_s = explanation.begin(Element("item", line=1))
        explanation.found((0, 0, 0))
        explanation.end(started_s)
    assert len(explanation.steps) == STEPS_MAX and explanation.text().endswith("… and 5 more\n")
