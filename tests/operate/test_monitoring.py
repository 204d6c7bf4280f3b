"""What the reference's munin plugins and counting scripts look for is where they look for it.

They cut lines at blanks and count words, and cut the timestamp by columns; so does this test, in the same places.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
OSM = "<osm version='0.6'><node id='1' lat='1' lon='2' version='1'/></osm>"
COUNTERS = {("started", "of"): 4, ("finished", "of"): 4, ("load", "of"): 5, ("rate", "of"): 5, ("as", "duplicate"): 6}
"""Where the number stands, counted from 0, in lines that begin with "Counter"; by the words that tell them apart."""


def run(*arguments: str, stdin: str = "") -> str:
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, input=stdin, env=env, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def seen() -> Iterator[tuple[Path, str]]:
    """The database directory and the status of a server that has answered two queries and refused a third."""
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        db = Path(name) / "db"
        version = ["--version=2026-01-02T03\\:04\\:05Z", "--replicate-id=7"]
        run("osm3s.cli.update_database", f"--db-dir={db}", *version, stdin=OSM)
        serve = [sys.executable, "-m", "osm3s.cli.server", f"--db-dir={db}", "--port=0", "--with-dispatcher"]
        env = os.environ | {"PYTHONPATH": str(PROJECT), "OSM3S_SHM_DIR": name}
        server = subprocess.Popen(serve, env=env, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        for query in ("node(1);out;", "node(1);out ids;"):
            urllib.request.urlopen(f"{url}?data={urllib.parse.quote(query)}", timeout=60).read()
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{url}?data={urllib.parse.quote('[maxsize:99999999999];node(1);out;')}", timeout=60)
        for _ in range(200):  # the answer is there before the dispatcher knows of it
            status = run("osm3s.cli.dispatcher", "--osm-base", "--status", f"--db-dir={db}")
            if "Counter of finished requests: 2" in status:
                break
        server.terminate()
        assert server.wait(60) == 0
        server.stdout.close()
        yield db, status


def test_counters_and_averages_of_the_status(seen: tuple[Path, str]) -> None:
    lines = [line.split() for line in seen[1].splitlines()]
    counters = {}
    for words in (words for words in lines if words[0] == "Counter"):
        key = next(k for k in COUNTERS if words[2] == k[0] and (k[1] == "of" or words[3] == k[1]))
        counters[key[0]] = int(words[COUNTERS[key]])
    assert counters == {"started": 2, "finished": 2, "load": 1, "rate": 0, "as": 0}
    (space,) = (words for words in lines if words[:3] == ["Average", "claimed", "space:"])
    (time_units,) = (words for words in lines if words[:4] == ["Average", "claimed", "time", "units:"])
    assert int(space[3]) >= 0 and int(time_units[4]) >= 0


def test_the_words_of_the_logs_that_scripts_count(seen: tuple[Path, str]) -> None:
    """The fourth of each line."""
    words = {}
    for name in ("transactions.log", "database.log"):
        words[name] = Counter(line.split()[3] for line in (seen[0] / name).read_text().splitlines())
    assert words["transactions.log"] >= Counter(requesting=3, read_finished=2, timeout=1)
    assert words["database.log"] >= Counter(
        {"request_read_and_idx": 2, "read_finished": 2, "request_read_and_idx()": 4}
    )


def test_columns_of_the_version_of_a_database_that_follows_a_feed(seen: tuple[Path, str]) -> None:
    text = (seen[0] / "osm_base_version").read_text().rstrip("\n")
    assert (text[11:13], text[15:17], text[19:21]) == ("03", "04", "05")
    assert text.replace("\\", "") == "2026-01-02T03:04:05Z"
