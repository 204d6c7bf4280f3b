"""What bounds a running query: time, memory, and whether anybody still waits for the answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from osm3s.ffi import ffi


class Limits:
    """`handle` is the `osm3s_context *` that kernels check now and then."""

    def __init__(self, timeout_s: float = 0, maxsize_bytes: int = 0, started_s: float | None = None) -> None:
        """`started_s` is on the clock of time.monotonic(); 0 means: no limit."""
        self.started_s = time.monotonic() if started_s is None else started_s
        self.maxsize_bytes = maxsize_bytes
        self.handle: Any = ffi.new("osm3s_context *", {"max_bytes": maxsize_bytes})
        if timeout_s:
            self.handle.deadline_ns = int((self.started_s + timeout_s) * 1e9)

    @contextmanager
    def using(self, n_bytes: int) -> Iterator[None]:
        """Inside, kernels that take much memory count it in addition to what is in use already, and raise
        QueryOutOfMemory."""
        self.handle.used_bytes = n_bytes
        try:
            yield
        finally:
            self.handle.used_bytes = 0

    @property
    def elapsed_s(self) -> int:
        return int(time.monotonic() - self.started_s)

    @property
    def timed_out(self) -> bool:
        deadline = self.handle.deadline_ns
        return bool(deadline) and time.monotonic() * 1e9 > deadline

    def cancel(self) -> None:
        """Make the query stop at the next check; may be called from a signal handler."""
        self.handle.cancelled = 1
