"""The progress bar of an import: elements, rate, remaining time. Silent when stderr is not a terminal.

Everything is read first and written then, which takes about as long again: the bar and the remaining time are those of
both together, elements and rate those of what goes on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

REDRAW_S = 0.2
BAR_WIDTH = 24
READING_SHARE = 0.45
"""Part of the whole time that reading takes, as measured with 25 M and 100 M nodes."""


class Progress:
    """`read` while the input is read, `wrote` while blocks are written, `done` at the end."""

    def __init__(
        self,
        stream: TextIO | None = None,
        enabled: bool | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream or sys.stderr
        self._enabled = self._stream.isatty() if enabled is None else enabled
        self._clock_s = clock_s
        self._started_s = self._phase_s = clock_s()
        self._drawn_s = 0.0
        self._read = self._wrote = 0

    def read(self, n_elements: int, bytes_read: int, size_bytes: int | None) -> None:
        self._read += n_elements
        if self._due():
            self._draw("reading", self._read, READING_SHARE * min(bytes_read / size_bytes, 1) if size_bytes else None)

    def wrote(self, n_elements: int) -> None:
        if not self._wrote:
            self._phase_s = self._clock_s()
        self._wrote += n_elements
        if self._due():
            part = min(self._wrote / self._read, 1) if self._read else 0
            self._draw("writing", self._wrote, READING_SHARE + (1 - READING_SHARE) * part)

    def done(self) -> None:
        if self._enabled:
            seconds = self._clock_s() - self._started_s
            print(f"\r\x1b[K{self._read:,} elements in {seconds:.1f} s", file=self._stream, flush=True)

    def _due(self) -> bool:
        now_s = self._clock_s()
        if not self._enabled or now_s - self._drawn_s < REDRAW_S:
            return False
        self._drawn_s = now_s
        return True

    def _draw(self, phase: str, n: int, fraction: float | None) -> None:
        """fraction: of the whole import."""
        now_s = self._clock_s()
        line = f"{phase} {n:>13,} elements  {n / max(now_s - self._phase_s, 0.001):>11,.0f}/s"
        if fraction:
            filled = int(fraction * BAR_WIDTH)
            remaining_s = (now_s - self._started_s) * (1 - fraction) / fraction
            line += f"  [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {remaining_s:5.0f} s left"
        print(f"\r\x1b[K{line}", end="", file=self._stream, flush=True)
