"""What the kernel enforces on a process that answers a query, should the query's own checks fail to."""

from __future__ import annotations

import math
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from osm3s.ffi import lib

OVERRUN_GRACE_S = 30.0
"""A query stops itself at its timeout; to send what is left to a slow client may take this much longer."""
PREPARE_S = 60.0
"""Longest time to receive and parse a request, before its own timeout is known."""
PREPARE_QUEUE_S = 45.0
"""Of it, the longest time to wait in the slow lane."""
SPARE_BYTES = 1024**3
UNLIMITED_BYTES = 2**50
PAGE_BYTES = resource.getpagesize()


def limit_preparation() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, PREPARE_S)
    lib.osm3s_lane_arm(time.monotonic_ns() + round(PREPARE_QUEUE_S * 1e9))  # a long text may take seconds to parse


def limit_nothing() -> None:
    """Undo `limit_preparation`."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def limit_execution(timeout_s: float, maxsize_bytes: int, grace_s: float = OVERRUN_GRACE_S) -> None:
    """Kill this process when it overruns; refuse it memory far beyond its maxsize. `timeout_s` 0 means no limit at all.

    RLIMIT_DATA counts private writable memory only, so the mapped database (which may be larger than any sensible
    limit of the address space) does not use it up.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    if timeout_s > 0:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, math.ceil(usage.ru_utime + usage.ru_stime + 2 * timeout_s + 60))
        _limit(resource.RLIMIT_DATA, min(2 * maxsize_bytes, UNLIMITED_BYTES) + SPARE_BYTES)
        lib.osm3s_lane_arm(time.monotonic_ns() + round(timeout_s * 1e9))
    else:
        _limit(resource.RLIMIT_CPU, None)
        _limit(resource.RLIMIT_DATA, None)
    signal.setitimer(signal.ITIMER_REAL, timeout_s + grace_s if timeout_s > 0 else 0)


@contextmanager
def memory_limited(more_bytes: int) -> Iterator[None]:
    """Inside, this process gets so much memory beyond what it has now; then MemoryError is raised."""
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    with open("/proc/self/statm", "rb", buffering=0) as statm:
        held_pages = int(statm.read(200).split()[5])
    _limit(resource.RLIMIT_DATA, held_pages * PAGE_BYTES + more_bytes)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limits)


@contextmanager
def limits_restored() -> Iterator[None]:
    """Undo what `limit_execution` does inside."""
    before = [(which, resource.getrlimit(which)) for which in (resource.RLIMIT_CPU, resource.RLIMIT_DATA)]
    try:
        yield
    finally:
        limit_nothing()
        for which, limits in before:
            resource.setrlimit(which, limits)


def _limit(which: int, value: int | None) -> None:
    """Set the soft limit, which the next query of this process may raise again; None: as far as the hard one."""
    _, hard = resource.getrlimit(which)
    if value is None or (hard != resource.RLIM_INFINITY and value > hard):
        value = hard
    resource.setrlimit(which, (value, hard))
