"""Which database a script without --db-dir means: $OVERPASS_DB_DIR, else that of the dispatcher started last."""

from __future__ import annotations

import os

from osm3s.dispatch.client import DispatcherClient


def database_dir() -> str:
    """Raises DispatcherError if there is neither."""
    named = os.environ.get("OVERPASS_DB_DIR")
    if named:
        return os.path.realpath(named)
    with DispatcherClient.connect() as client:
        return client.db_dir
