"""The plain-text copies of what the index says, for scripts and people. The index is what counts."""

from __future__ import annotations

import os
from contextlib import suppress

from osm3s.paths import DatabaseDir


def write_mirrors(db: DatabaseDir, timestamp: str, replicate_id: str) -> None:
    """Rewrite osm_base_version and replicate_id. Never raises: the commit they tell of has happened."""
    for path, text in ((db.version, timestamp), (db.replicate_id, replicate_id)):
        if not text:
            continue
        temporary = f"{path}.{os.getpid()}"
        try:
            with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text + "\n")
            os.rename(temporary, path)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)
