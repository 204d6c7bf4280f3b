"""A running server with a small map, as clients find it: with a dispatcher and a limit of queries at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .street_map import DATA_TIMESTAMP, osm_xml

PROJECT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def api() -> Iterator[str]:
    """URL of the place of the endpoints, without slash at its end."""
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        load = [sys.executable, "-m", "osm3s.cli.update_database", f"--db-dir={name}/db", "--meta"]
        load.append(f"--version={DATA_TIMESTAMP}")
        subprocess.run(load, input=osm_xml().encode(), env=env, check=True, capture_output=True)
        serve = [sys.executable, "-m", "osm3s.cli.server", f"--db-dir={name}/db", "--port=0", "--with-dispatcher"]
        process = subprocess.Popen([*serve, "--rate-limit=8"], env=env, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, "the server did not start"
        yield url.removesuffix("/interpreter")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.fixture(autouse=True)
def direct_connections(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy in between, and nothing that a client keeps for later stays."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
