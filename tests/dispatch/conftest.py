"""Real dispatchers and participants, each a process of its own; all are gone after the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from osm3s.dispatch.client import DispatcherClient
from osm3s.errors import DispatcherError

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
PATIENCE_S = 60.0
"""How long a test waits for what has to happen; it goes on as soon as it has."""


def eventually(condition: Callable[[], object], what: str = "") -> None:
    """Wait for something that happens in another process."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"never happened: {what}"
        time.sleep(0.005)


class Process:
    """A program that talks in lines."""

    def __init__(self, program: str, *arguments: str) -> None:
        command = [sys.executable, str(HERE / program), *arguments]
        environment = os.environ | {"PYTHONPATH": str(PROJECT)}
        self.popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        self.pid = self.popen.pid

    def tell(self, line: str) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()

    def line(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def ask(self, line: str) -> str:
        self.tell(line)
        return self.line()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(PATIENCE_S)

    def running(self) -> bool:
        return self.popen.poll() is None


class Site:
    """A database directory with the processes around it."""

    def __init__(self, root: Path) -> None:
        self.db_dir = str(root / "db")
        self.shm_dir = root / "shm"
        os.mkdir(self.db_dir)
        self.shm_dir.mkdir()
        self.processes: list[Process] = []

    def start(self, *options: str) -> Process:
        """A dispatcher; returns when it answers."""
        process = self.process("run_dispatcher.py", "--osm-base", f"--db-dir={self.db_dir}", *options)

        def serves() -> bool:
            assert process.running(), process.popen.stderr.read() if process.popen.stderr else ""
            with suppress(DispatcherError), self.client() as client:
                return bool(client.status())
            return False

        eventually(serves, "the dispatcher serves")
        return process

    def participant(self) -> Process:
        process = self.process("run_participant.py", self.db_dir)
        assert process.line() == "connected"
        return process

    def process(self, program: str, *arguments: str) -> Process:
        process = Process(program, *arguments)
        self.processes.append(process)
        return process

    def client(self) -> DispatcherClient:
        return DispatcherClient.connect(self.db_dir)

    def run(self, *options: str, db: bool = True) -> subprocess.CompletedProcess[str]:
        """The command line, to its end."""
        where = [f"--db-dir={self.db_dir}"] if db else []
        command = [sys.executable, str(HERE / "run_dispatcher.py"), *where, *options]
        environment = os.environ | {"PYTHONPATH": str(PROJECT)}
        nothing = subprocess.DEVNULL
        return subprocess.run(
            command, stdin=nothing, capture_output=True, text=True, env=environment, timeout=PATIENCE_S, check=False
        )

    def log(self, name: str = "database.log") -> list[str]:
        """The lines of a log without their time stamps."""
        try:
            text = Path(self.db_dir, name).read_text()
        except FileNotFoundError:
            return []
        return [line[20:] for line in text.splitlines()]

    def logged(self, text: str, name: str = "database.log") -> None:
        eventually(lambda: any(text in line for line in self.log(name)), f"{text!r} in {name}: {self.log(name)[-9:]}")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("OSM3S_SHM_DIR", str(tmp_path / "shm"))
    monkeypatch.delenv("OVERPASS_DB_DIR", raising=False)
    monkeypatch.delenv("OVERPASS_SOCKET_DIR", raising=False)
    site = Site(tmp_path)
    yield site
    for process in site.processes:
        if process.running():
            process.kill()
        for stream in (process.popen.stdin, process.popen.stdout, process.popen.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
