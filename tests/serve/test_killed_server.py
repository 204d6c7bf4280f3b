"""A server that is killed leaves nothing in the way of the next one, and a dispatcher of its own comes back."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PROJECT, eventually, process_ended

from osm3s.dispatch.client import is_running
from osm3s.paths import DatabaseDir

ENVIRONMENT = os.environ | {"PYTHONPATH": str(PROJECT)}


def listener_of(path: str) -> int:
    """pid of the process that listens on this socket; 0: nobody."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return 0
        return int(struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])


@pytest.fixture
def db() -> Iterator[DatabaseDir]:
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        osm = b'<osm version="0.6"><node id="1" lat="1" lon="1" version="1"/></osm>'
        command = [sys.executable, "-m", "osm3s.cli.update_database", f"--db-dir={name}/db"]
        subprocess.run(command, input=osm, env=ENVIRONMENT, check=True, capture_output=True)
        yield DatabaseDir(f"{name}/db")


def start(db: DatabaseDir) -> tuple[subprocess.Popen[str], str]:
    """A server and its URL, which is empty if it does not start."""
    options = [f"--db-dir={db.root}", "--port=0", "--with-dispatcher", "--rate-limit=3"]
    command = [sys.executable, "-m", "osm3s.cli.server", *options]
    server = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    return server, server.stdout.readline().strip().removesuffix("interpreter")


def status(url: str) -> str:
    with urllib.request.urlopen(f"{url}status", timeout=60) as answer:
        text: str = answer.read().decode()
    return text


def test_killed_server_and_dispatcher(db: DatabaseDir) -> None:
    server, url = start(db)
    assert "Rate limit: 3\n" in status(url)

    dispatcher = listener_of(db.socket())
    os.kill(dispatcher, signal.SIGKILL)
    assert eventually(lambda: listener_of(db.socket()) not in (0, dispatcher), within_s=60)
    assert "Rate limit: 3\n" in status(url)
    assert "The dispatcher has died and is started again." in Path(db.database_log).read_text()

    left = [listener_of(db.socket()), listener_of(db.frontend_socket())]
    server.kill()
    server.communicate()
    assert all(eventually(lambda pid=pid: process_ended(pid), within_s=60) for pid in left)  # type: ignore[misc]

    server, url = start(db)
    assert "Rate limit: 3\n" in status(url)
    server.terminate()
    assert server.wait(60) == 0 and server.communicate() == ("", None)
    assert not is_running(db.root) and listener_of(db.frontend_socket()) == 0
