"""The demo: import, server, one query and its answer (the one in README.md); what it starts ends with it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from osm3s.cli.demo import QUERY
from osm3s.dispatch.client import is_running

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WAIT_S = 120


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    (root / "shm").mkdir()
    return root


def start(place: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "osm3s.cli.demo", str(place / "db")],
        cwd=ROOT,
        env=os.environ | {"OSM3S_SHM_DIR": str(place / "shm")} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    )


def heed_ctrl_c() -> None:
    """A shell lets what it runs in the background ignore SIGINT, and the tests may be run so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def answer_in(text: str) -> tuple[str, Any]:
    """The first answer to a query in a text, without its indentation, and what it says."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.strip() == "{")
    indent = len(lines[first]) - 1
    answer = "\n".join(line[indent:] for line in lines[first:])
    content, end = json.JSONDecoder().raw_decode(answer)
    return answer[:end], content


def nothing_is_left(place: Path, url: str) -> bool:
    address = urllib.parse.urlsplit(url)
    with socket.socket() as probe:
        refused = probe.connect_ex((str(address.hostname), int(address.port or 0))) != 0
    return refused and not is_running(str(place / "db")) and not list((place / "shm").iterdir())


@pytest.mark.parametrize("beginning", ["importing helsinki.osm.pbf", "using the database in db/"])
def test_once(place: Path, beginning: str) -> None:
    """The second run uses what the first one has made."""
    demo = start(place, DEMO_ONCE="1", http_proxy="http://127.0.0.1:1")
    out, errors = demo.communicate(timeout=WAIT_S)
    assert (demo.returncode, errors) == (0, "")
    assert out.startswith(beginning)
    assert f"data='{QUERY}'" in out and f"data='{QUERY}'" in README
    assert answer_in(out)[1]["elements"][0]["tags"]["amenity"] == "cafe"
    assert answer_in(out) == answer_in(README)
    assert nothing_is_left(place, out.split("$ curl ")[1].split()[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_until_it_is_stopped(place: Path, number: signal.Signals) -> None:
    demo = start(place)
    assert demo.stdout is not None
    shown = []
    while not shown or not shown[-1].startswith("Ctrl-C"):
        shown.append(demo.stdout.readline())
        assert shown[-1], demo.communicate()
    demo.send_signal(number)
    out, errors = demo.communicate(timeout=WAIT_S)
    assert (demo.returncode, out, errors) == (0, "\nstopped\n", "")
    url = next(line for line in shown if line.startswith("$ curl ")).split()[2]
    assert nothing_is_left(place, url)


def test_an_import_that_fails_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "shm").mkdir()
    (tmp_path / "db").write_text("not a directory")
    demo = start(tmp_path)
    _, errors = demo.communicate(timeout=WAIT_S)
    assert demo.returncode == 1
    assert errors.splitlines()[-1].startswith("demo: ") and "Traceback" not in errors
