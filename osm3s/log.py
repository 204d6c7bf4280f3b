"""The two logs of a database directory, in the reference's line format: `YYYY-MM-DD HH:MM:SS [pid] text` (UTC)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress


def append(path: str, text: str) -> None:
    """Append one line of this process."""
    append_lines(path, [(os.getpid(), text)])


def append_lines(path: str, lines: Iterable[tuple[int, str]]) -> None:
    """Append lines, each with the pid of its author; opened every time so that the file can be rotated by rename.

    Never raises: a log is not the data.
    """
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    data = "".join(f"{now} [{pid}] {text}\n" for pid, text in lines).encode("utf-8", "surrogateescape")
    with suppress(OSError):
        descriptor = open_log(path)
        try:
            append_whole(descriptor, data)
        finally:
            os.close(descriptor)


def open_log(path: str) -> int:
    """A descriptor that appends; the file is made if need be. Raises OSError."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)


def append_whole(descriptor: int, data: bytes) -> None:
    """Append all or nothing: when the disk is full, what was written is taken back, else the next line would run into
    it. Raises OSError."""
    written = os.write(descriptor, data)
    if written < len(data) and os.fstat(descriptor).st_size == (end := os.lseek(descriptor, 0, os.SEEK_CUR)):
        os.ftruncate(descriptor, end - written)
