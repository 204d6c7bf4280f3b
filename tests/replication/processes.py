"""The programs as processes that run beside the test, which waits for what they say and never for time to pass."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from feed_server import Answer, Handler
from programs import PROJECT

WAIT_S = 60


@contextmanager
def running(module: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Its standard error is a pipe. Killed at the end, if it still runs."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("OVERPASS_", "OSM3S_"))}
    variables.pop("JOURNAL_STREAM", None)
    process = subprocess.Popen(
        [sys.executable, "-m", f"osm3s.cli.{module}", *arguments],
        env=variables | {"PYTHONPATH": str(PROJECT)} | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


class Meeting:
    """An answer that tells the test that it was asked for, and does not come."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.over = threading.Event()

    @property
    def answer(self) -> Answer:
        def wait(handler: Handler, content: bytes | None) -> None:
            self.asked.set()
            self.over.wait(WAIT_S)
            handler.close_connection = True

        return wait


class LinesOf:
    """A log that is a pipe: what a program appends is read here, line by line, as it comes."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._file = os.fdopen(os.open(path, os.O_RDWR), "r")

    def until(self, wanted: Callable[[str], bool]) -> list[str]:
        """The lines up to the first one that is wanted."""
        lines = []
        while not lines or not wanted(lines[-1]):
            lines.append(self._file.readline().rstrip("\n"))
        return lines

    def close(self) -> None:
        self._file.close()
