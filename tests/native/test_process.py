"""Signals that end a process: each case in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WATCHING = """if True:
    import os, signal, socket
    from osm3s.ffi import lib
    here, there = socket.socketpair()
    assert lib.osm3s_end_when_closed(here.fileno()) == lib.OSM3S_OK
"""


def run(code: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", WATCHING + code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def test_a_late_signal_about_what_was_read_ends_nothing() -> None:
    assert run("    os.kill(os.getpid(), signal.SIGIO); print('alive')") == (0, "alive\n")


def test_the_end_of_the_other_side_ends_the_process() -> None:
    assert run("    there.close(); print('alive')") == (-signal.SIGIO, "")


def test_more_from_the_other_side_ends_the_process() -> None:
    assert run("    there.send(b'!'); print('alive')") == (-signal.SIGIO, "")
