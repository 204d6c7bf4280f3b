"""What a server starts beside itself, and does not leave behind however it ends: its frontends, its dispatcher."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from osm3s import log, service_manager
from osm3s.errors import DispatcherError

STOP_WAIT_S = 10
RESTART_S = 1.0
ROOT = Path(__file__).resolve().parent.parent.parent


def start(name: str, module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A process of the code that this one runs, whatever lies in the current directory; returns when it is ready.

    `name`: what people call it. Raises DispatcherError if it ends instead.
    """
    environment = service_manager.leave_to_children()
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [environment.get("PYTHONPATH")])])
    command = [sys.executable, "-P", "-m", module, *arguments, f"--ends-with={os.getpid()}"]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, start_new_session=True)
    except OSError as error:
        raise DispatcherError(f"{name} could not be started: {error.strerror}.") from error
    assert process.stdout is not None
    ready = process.stdout.read(1)
    process.stdout.close()
    if ready != b"\n":
        process.wait()
        raise DispatcherError(f"{name} could not be started.")
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class KeptRunning:
    """A process that is started again whenever it dies, but not when it has been told to end."""

    def __init__(self, log_path: str, name: str, module: str, *arguments: str) -> None:
        """Raises DispatcherError if it does not even start."""
        self._log_path = log_path
        self._what = (name, module, *arguments)
        self._stopping = threading.Event()
        self._process = start(*self._what)
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _keep(self) -> None:
        while self._process.wait() and not self._stopping.is_set():
            log.append(self._log_path, f"server: {self._what[0]} has died and is started again.")
            while not self._stopping.is_set():
                try:
                    self._process = start(*self._what)
                    break
                except DispatcherError as error:
                    log.append(self._log_path, f"server: {error}")
                    self._stopping.wait(RESTART_S)

    def stop(self) -> None:
        self._stopping.set()
        stop(self._process)
        self._keeper.join(STOP_WAIT_S)
        stop(self._process)  # should it have been started again at that very moment


@contextmanager
def frontends(arguments: list[str], stop_server: int) -> Iterator[subprocess.Popen[bytes]]:
    """The warmed parent, running when this begins, ended when it ends. Its end is told by a byte to `stop_server`."""
    process = start("The parent of the processes that answer queries", "osm3s.cli.frontend", "--direct", *arguments)

    def tell() -> None:
        process.wait()
        os.write(stop_server, b"\n")

    watcher = threading.Thread(target=tell, daemon=True)
    watcher.start()
    try:
        yield process
    finally:
        stop(process)
        watcher.join()


@contextmanager
def dispatcher(arguments: list[str], log_path: str) -> Iterator[None]:
    """A dispatcher for the time of the server."""
    kept = KeptRunning(log_path, "The dispatcher", "osm3s.cli.dispatcher", "--osm-base", *arguments)
    try:
        yield
    finally:
        kept.stop()
