"""The two logs of a database directory, in the reference's line format: `YYYY-MM-DD HH:MM:SS [pid] text` (UTC)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable


def append(path: str, text: str) -> None:
    """Append one line of this process."""
    append_lines(path, [(os.getpid(), text)])


def append_lines(path: str, lines: Iterable[tuple[int, str]]) -> None:
    """Append lines, each with the pid of its author; opened every time so that the file can be rotated by rename.

    Never raises: a log is not the data.
    """
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    try:
        with open(path, "a", encoding="utf-8", errors="surrogateescape") as log:
            log.write("".join(f"{now} [{pid}] {text}\n" for pid, text in lines))
    except OSError:
        pass
