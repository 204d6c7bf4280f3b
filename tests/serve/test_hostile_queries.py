"""Queries that would never end are ended by their own limits, and the answer says so: a real server, a small map."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
NODES = "".join(
    f"<node id='{i}' lat='{i / 100}' lon='1' version='1'><tag k='name' v='{'a' * 40}{i}'/></node>" for i in range(1, 90)
)
OSM = f"<osm version='0.6'>{NODES}</osm>"
LOOP = "node(0,0,9,9);foreach->.{0}{{"
HOSTILE = {
    "loops in loops": "".join(LOOP.format(name) for name in "abcdef") + "node.a;" + "}" * 6,
    "output in a loop": "node(0,0,9,9);foreach->.a{foreach->.b{foreach->.c{foreach->.d{.d out;}}}}",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        db, env = Path(name) / "db", os.environ | {"PYTHONPATH": str(PROJECT), "OSM3S_SHM_DIR": name}
        update = [sys.executable, "-m", "osm3s.cli.update_database", f"--db-dir={db}"]
        subprocess.run(update, input=OSM.encode(), env=env, check=True, capture_output=True)
        command = [sys.executable, "-m", "osm3s.cli.server", f"--db-dir={db}", "--port=0", "--with-dispatcher"]
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        process.stdout.close()


def ask(url: str, query: str) -> str:
    data = urllib.parse.urlencode({"data": query}).encode()
    with urllib.request.urlopen(url, data, timeout=120) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_query_that_does_not_end_is_ended(server: str, name: str) -> None:
    text = ask(server, f"[timeout:1];{HOSTILE[name]}out;")
    assert re.search(
        r"<remark> runtime error: Query timed out in \"[a-z-]+\" at line 1 after \d+ seconds\. </remark>", text
    )
    assert text.endswith("</osm>\n")
    assert '<node id="1"' in ask(server, "node(1);out;")


def test_a_query_that_grows_is_ended(server: str) -> None:
    text = ask(server, "[maxsize:4000];" + "".join(f"node(0,0,9,9)->.s{i};" for i in range(50)) + "out;")
    assert "runtime error: Query ran out of memory in" in text and text.endswith("</osm>\n")


@pytest.mark.parametrize("double", ['convert x a=t["a"]+t["a"];', 'make x a=set(t["a"])+set(t["a"]);'])
def test_texts_that_grow_count_for_what_they_take(server: str, double: str) -> None:
    text = ask(server, f'[maxsize:4000000];make x a="{"b" * 1000}";{double * 20}out;')
    assert re.search(r"Query ran out of memory in .* It would need at least [3-7] MB", text)
    assert 'a" v="' + "b" * 256_000 in ask(server, f'[maxsize:1000000];make x a="{"b" * 1000}";{double * 8}out;')
