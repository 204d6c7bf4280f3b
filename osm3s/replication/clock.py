"""The time, and waiting for it: a parameter of everything that waits, so that tests need not."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now_s(self) -> float:
        """Seconds since 1970."""

    def wait(self, seconds: float) -> None: ...


class SystemClock:
    def now_s(self) -> float:
        return time.time()

    def wait(self, seconds: float) -> None:
        """A signal that ends the program ends the waiting."""
        time.sleep(seconds)
