"""A container in which systemd is process 1 and the services of osm3s are installed as docs/operations.md says."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
DB_DIR = "/var/lib/osm3s"
WAIT_S = 120.0


def missing() -> str | None:
    """Why no container can be booted here."""
    if os.geteuid() != 0:
        return "only root can boot a container"
    programs = [name for name in ("systemd-nspawn", "unshare", "nsenter", "systemd-sysusers") if not shutil.which(name)]
    return f"not installed: {', '.join(programs)}" if programs else None


class Machine:
    """`work` is a directory of ours that the container sees as /srv/work."""

    def __init__(self, work: Path) -> None:
        self.work = work
        command = [Path(__file__).with_name("machine.sh"), PROJECT, work, f"osm3s-{os.getpid()}"]
        self._log = work / "console.log"
        with open(self._log, "wb") as log:
            self._container = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._first = ""
        """pid of its process 1, as seen from here."""
        try:
            self.until(self._has_booted)
        except BaseException:
            self.shut_down()
            raise

    def _has_booted(self) -> bool:
        if self._container.poll() is not None:
            raise AssertionError(f"the container has not started: {self._log.read_text()}")
        children = Path(f"/proc/{self._container.pid}/task/{self._container.pid}/children").read_text().split()
        self._first = children[0] if children else ""  # helpers come before it
        return bool(self._first) and self.asked("systemctl", "is-system-running") in ("running", "degraded")

    def asked(self, *command: str) -> str:
        """What a command in the container prints, whatever its exit status."""
        enter = ["nsenter", "--target", self._first, "--all", "--root", "--wdns=/", "--"]
        done = subprocess.run([*enter, *command], capture_output=True, text=True, timeout=WAIT_S)
        return (done.stdout + done.stderr).strip()

    def run(self, *command: str, stdin: str = "") -> str:
        """What it prints; AssertionError if it fails."""
        enter = ["nsenter", "--target", self._first, "--all", "--root", "--wdns=/", "--"]
        done = subprocess.run([*enter, *command], input=stdin, capture_output=True, text=True, timeout=WAIT_S)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def unit(self, name: str, what: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={what}", name).strip()

    def answer(self, query: str) -> str:
        """Of the server in the container, which is given time to come up."""
        url = "http://127.0.0.1:8080/api/interpreter"
        return self.run("curl", "-sS", "--max-time", "60", "--data-urlencode", f"data={query}", url)

    def until(self, condition: object) -> None:
        """Ask until it holds; AssertionError after a long time."""
        assert callable(condition)
        give_up = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < give_up, "it never came to that"
            time.sleep(0.1)

    def shut_down(self) -> None:
        if self._container.poll() is None:
            self._container.terminate()
        try:
            self._container.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self._container.kill()
            self._container.wait()
