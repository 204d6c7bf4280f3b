"""A frontend that obeys orders (fake_frontend.py) and the HTTP server in front of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from osm3s.serve.access_log import AccessLog
from osm3s.serve.http import HttpServer, bind

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A directory with a short name, as the path of a socket must be short."""
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def frontend(place: Path) -> Iterator[Path]:
    """Path of the socket of a running fake frontend."""
    path = place / "frontend"
    process = subprocess.Popen(
        [sys.executable, str(HERE / "fake_frontend.py"), str(path), str(place / "log")],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdout.read(1) == b"\n"
    yield path
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not path.exists()


def start_http(
    frontend_path: Path, max_connections: int = 64, access_log: AccessLog | None = None, log_path: str = ""
) -> tuple[int, Callable[[], None]]:
    """Serve in a thread; returns the port and what stops it."""
    listener = bind("127.0.0.1", 0)
    stop, stop_in = os.pipe()
    server = HttpServer(listener, str(frontend_path), max_connections, access_log=access_log, log_path=log_path)
    port: int = listener.getsockname()[1]
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()

    def end() -> None:
        os.write(stop_in, b"x")
        thread.join(60)
        assert not thread.is_alive()
        os.close(stop)
        os.close(stop_in)

    return port, end


@pytest.fixture(scope="module")
def port(frontend: Path) -> Iterator[int]:
    number, end = start_http(frontend)
    yield number
    end()


def exchange(port: int, data: bytes, timeout_s: float = 60) -> bytes:
    """Send raw bytes, read until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout_s) as client:
        client.sendall(data)
        answer = b""
        while part := client.recv(65536):
            answer += part
        return answer


def eventually(condition: Callable[[], bool], within_s: float) -> bool:
    give_up = time.monotonic() + within_s
    while not condition() and time.monotonic() < give_up:
        time.sleep(0.01)
    return condition()


def process_ended(pid: int) -> bool:
    """Also if nobody has asked for its exit status yet: an orphan waits for init to do so."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


def pid_in(path: Path) -> int:
    assert eventually(lambda: path.exists() and path.read_text() != "", within_s=60)
    return int(path.read_text())
