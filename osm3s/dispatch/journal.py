"""The two logs of a database directory, as the dispatcher writes them: gathered, then appended in one go.

Opening and writing a file takes longer than answering a client, so it is done a moment later, for many lines at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from osm3s import log
from osm3s.constants import OSM3S_VERSION, SOURCE_HASH
from osm3s.paths import DatabaseDir

FLUSH_AFTER_S = 0.02

_ESCAPES = dict.fromkeys(range(32), "?") | {
    ord('"'): '\\"', ord("\\"): "\\\\", ord("\n"): "\\n", ord("\t"): "\\t", ord("\r"): "\\r"
}  # fmt: skip


def escape(query_text: bytes) -> str:
    """The text as it stands in transactions.log: C-escaped, on one line."""
    return query_text.decode("utf-8", "surrogateescape").translate(_ESCAPES)


class Journal:
    """`call_later` is called with `FLUSH_AFTER_S` and `flush` when the first line is waiting."""

    def __init__(self, db: DatabaseDir, call_later: Callable[[float, Callable[[], None]], object]) -> None:
        self._paths = (db.database_log, db.transactions_log)
        self._lines: tuple[list[tuple[int, str]], list[tuple[int, str]]] = ([], [])
        self._call_later = call_later
        self._pid = os.getpid()

    def started(self) -> None:
        """Begin: both files exist from here on, and every user's process may add to them."""
        text = f"Dispatcher version {OSM3S_VERSION} {SOURCE_HASH} just started."
        for path in self._paths:
            log.append(path, text)
            try:
                os.chmod(path, 0o666)
            except OSError:
                log.append(self._paths[0], "Warning: chmod for logfile failed.")

    def database(self, text: str, pid: int = 0) -> None:
        self._add(0, pid, text)

    def transactions(self, text: str, pid: int) -> None:
        self._add(1, pid, text)

    def _add(self, which: int, pid: int, text: str) -> None:
        if not any(self._lines):
            self._call_later(FLUSH_AFTER_S, self.flush)
        self._lines[which].append((pid or self._pid, text))

    def flush(self) -> None:
        for path, lines in zip(self._paths, self._lines, strict=True):
            if lines:
                log.append_lines(path, lines)
                lines.clear()
