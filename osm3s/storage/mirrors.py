"""The plain-text copies of what the index says, for scripts and people. The index is what counts."""

from __future__ import annotations

import os
from contextlib import suppress

from osm3s.paths import DatabaseDir


def write_mirrors(db: DatabaseDir, timestamp: str, replicate_id: str) -> None:
    """Rewrite osm_base_version and replicate_id. Never raises: the commit they tell of has happened.

    Where a feed is followed, the time is written as the feed's state files and the reference's scripts write it, with
    `\\:`: the munin plugin osm_db_lag counts its columns.
    """
    shown = timestamp.replace(":", "\\:") if replicate_id else timestamp
    for path, text in ((db.version, shown), (db.replicate_id, replicate_id)):
        if text:
            with suppress(OSError):
                _overwrite(path, (text + "\n").encode("utf-8", "surrogateescape"))


def _overwrite(path: str, line: bytes) -> None:
    """In place: replacing the file by a rename would make some file systems write it to disk at once."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o664)
    try:
        os.pwrite(descriptor, line, 0)
        os.ftruncate(descriptor, len(line))
    finally:
        os.close(descriptor)
