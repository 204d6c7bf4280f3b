"""The progress bar of an import: elements, rate, remaining time. Silent when stderr is not a terminal."""

from __future__ import annotations

import sys
import time
from typing import TextIO

REDRAW_S = 0.2
BAR_WIDTH = 24


class Progress:
    """`read` while the input is read, `wrote` while blocks are written, `done` at the end."""

    def __init__(self, stream: TextIO | None = None, enabled: bool | None = None) -> None:
        self._stream = stream or sys.stderr
        self._enabled = self._stream.isatty() if enabled is None else enabled
        self._started = time.monotonic()
        self._drawn = 0.0
        self._read = self._wrote = 0

    def read(self, n_elements: int, bytes_read: int, size_bytes: int | None) -> None:
        self._read += n_elements
        if self._due():
            fraction = bytes_read / size_bytes if size_bytes else None
            self._draw("reading", self._read, fraction)

    def wrote(self, n_elements: int) -> None:
        self._wrote += n_elements
        if self._due():
            self._draw("writing", self._wrote, self._wrote / self._read if self._read else None)

    def done(self) -> None:
        if self._enabled:
            seconds = time.monotonic() - self._started
            print(f"\r\x1b[K{self._read:,} elements in {seconds:.1f} s", file=self._stream, flush=True)

    def _due(self) -> bool:
        now = time.monotonic()
        if not self._enabled or now - self._drawn < REDRAW_S:
            return False
        self._drawn = now
        return True

    def _draw(self, phase: str, n: int, fraction: float | None) -> None:
        seconds = time.monotonic() - self._started
        line = f"{phase} {n:>13,} elements  {n / max(seconds, 0.001):>11,.0f}/s"
        if fraction:
            filled = int(min(fraction, 1) * BAR_WIDTH)
            remaining = seconds * (1 - fraction) / fraction
            line += f"  [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {remaining:5.0f} s left"
        print(f"\r\x1b[K{line}", end="", file=self._stream, flush=True)
