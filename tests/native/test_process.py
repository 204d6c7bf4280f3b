"""Signals that end a process: each case in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from osm3s.ffi import lib

ROOT = Path(__file__).resolve().parents[2]
WATCHING = """if True:
    import os, signal, socket
    from osm3s.ffi import lib
    here, there = socket.socketpair()
    assert lib.osm3s_end_when_closed(here.fileno()) == lib.OSM3S_OK
"""


def run(code: str) -> tuple[int, str]:
    return run_alone(WATCHING + code)


def run_alone(code: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_late_signal_about_what_was_read_ends_nothing() -> None:
    assert run("    os.kill(os.getpid(), signal.SIGIO); print('alive')") == (0, "alive\n")


def test_the_end_of_the_other_side_ends_the_process() -> None:
    assert run("    there.close(); print('alive')") == (-signal.SIGIO, "")


def test_more_from_the_other_side_ends_the_process() -> None:
    assert run("    there.send(b'!'); print('alive')") == (-signal.SIGIO, "")


def test_a_signal_about_another_query_ends_nothing() -> None:
    code = """if True:
        import os, signal
        from osm3s.ffi import lib
        def end(query):
            assert lib.osm3s_end_query(os.getpid(), query) == 0
        for query in range(1, 1000):
            assert lib.osm3s_query_runs(query) == lib.OSM3S_OK
            end(query - 1), end(query + 1)
            lib.osm3s_query_runs(0)
            end(query)
        lib.osm3s_query_runs(7)
        print("alive", flush=True)
        {}
        print("alive")
    """
    ended = (-signal.SIGTERM, "alive\n")
    assert run_alone(code.format("end(7)")) == ended
    assert run_alone(code.format("os.kill(os.getpid(), signal.SIGTERM)")) == ended
    assert lib.osm3s_end_query(2**22 + 1, 1) == -1  # more than there can be
