"""osm3s: a file-based spatial database daemon for OpenStreetMap that speaks the Overpass query language.

osm3s.open("db").query("[out:json];node(1);out;").elements      # in this process
osm3s.connect("db").query("node(1);out;", format="json").json()   # by a running osm3s_server or osm3s_frontend
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osm3s.serve.client import Connection
    from osm3s.serve.local import LocalDatabase


def open(db_dir: str) -> LocalDatabase:
    """A database directory to query from this process. Raises StorageError on the first query if there is none."""
    from osm3s.serve.local import LocalDatabase

    return LocalDatabase(db_dir)


def connect(db_dir: str | None = None) -> Connection:
    """The frontends of a database on this machine; without `db_dir` that of $OVERPASS_DB_DIR or of the dispatcher
    started last. Raises DispatcherError if there is none."""
    from osm3s.serve.client import Connection

    return Connection(db_dir)
