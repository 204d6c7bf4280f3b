"""Whether a process is still the one it was, and a call when it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # clients import this module too, and asyncio is far too slow for them
    import asyncio


def start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot; with its pid it names one process. 0: there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in b"ZX" else int(fields[19])


def started_before(pid: int, epoch_s: float) -> bool:
    """Whether the process runs and has been running since before that time (exact to about a second)."""
    ticks = start_ticks(pid)
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return ticks > 0 and time.time() - age_s <= epoch_s + 1.0


class Watch:
    """Calls `gone(pid)` once for each watched process that has ended; by descriptor, so a reused pid is no matter."""

    def __init__(self, loop: asyncio.AbstractEventLoop, gone: Callable[[int], None]) -> None:
        self._loop = loop
        self._gone = gone
        self._descriptors: dict[int, int] = {}

    def add(self, pid: int) -> None:
        if pid in self._descriptors or pid <= 0:
            return
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self._loop.call_soon(self._gone, pid)
            return
        except OSError:  # no descriptor left, or no such call in this kernel: its connection must tell
            return
        self._descriptors[pid] = descriptor
        self._loop.add_reader(descriptor, self._ended, pid)

    def _ended(self, pid: int) -> None:
        descriptor = self._descriptors.pop(pid)
        self._loop.remove_reader(descriptor)
        os.close(descriptor)
        self._gone(pid)

    def send_signal(self, pid: int, number: signal.Signals) -> bool:
        """Signal a watched process; False if it cannot be watched (of another pid name space) or is this one.

        Raises PermissionError if it belongs to somebody else.
        """
        descriptor = self._descriptors.get(pid)
        if descriptor is None or pid == os.getpid():
            return False
        with contextlib.suppress(ProcessLookupError):  # it is ending; the descriptor tells when
            signal.pidfd_send_signal(descriptor, number)
        return True
