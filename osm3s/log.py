"""The two logs of a database directory, in the reference's line format: `YYYY-MM-DD HH:MM:SS [pid] text` (UTC)."""

from __future__ import annotations

import os
import time


def append(path: str, text: str) -> None:
    """Append one line; opened per line so that the file can be rotated by rename. Never raises: a log is not the data."""
    line = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} [{os.getpid()}] {text}\n"
    try:
        with open(path, "a", encoding="utf-8", errors="surrogateescape") as log:
            log.write(line)
    except OSError:
        pass
