"""A part of the test's own process, killed at a named place: quicker than to start a program for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from osm3s import failpoint


def killed(place: str, action: Callable[[], object], times: int = 1) -> int:
    """Do something in a process that is killed when it gets to a place the given number of times; how it ended."""
    left = times

    def reached(name: str) -> None:
        nonlocal left
        left -= name == place
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        try:
            failpoint.reached = reached
            action()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
