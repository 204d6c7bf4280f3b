"""The pages for those who watch the server: healthz for load balancers, metrics for Prometheus."""

from __future__ import annotations

import os
import time
from urllib.parse import parse_qs

from osm3s.dispatch.client import NOT_RUNNING_ORIGIN, DispatcherClient
from osm3s.errors import DispatcherError
from osm3s.paths import DatabaseDir
from osm3s.serve.page import Page
from osm3s.serve.request import Database, Request
from osm3s.serve.status import data_timestamp, database_root

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def healthz(request: Request, database: Database) -> Page:
    """200 and `ok` if there is a database, and a dispatcher where one is needed; else 503 and a sentence.

    With `?max_lag=SECONDS`, also 503 if the data is older than that.
    """
    try:
        root = database_root(database)
    except DispatcherError as error:
        return Page(f"{error}\n", status=503)
    if not os.path.exists(DatabaseDir(root).index):
        return Page(f"There is no database in {root}.\n", status=503)
    wanted = parse_qs(request.query_string.decode("latin-1")).get("max_lag", [""])[0]
    if wanted.isdecimal():
        lag_s = _lag_s(data_timestamp(database), time.time())
        if lag_s is None or lag_s > float(wanted):
            age = "of unknown age" if lag_s is None else f"{lag_s:.0f} seconds old"
            return Page(f"The data is {age}.\n", status=503)
    return Page("ok\n")


def metrics(_request: Request, database: Database) -> Page:
    """Raises DispatcherError if there is none and there should be."""
    text = ""
    try:
        with DispatcherClient.connect(database.root or None, database.socket_dir) as client:
            text, root, running = client.metrics(), client.db_dir, 1
    except DispatcherError as error:
        if not database.direct or error.origin != NOT_RUNNING_ORIGIN:
            raise
        root, running = database.root, 0
    lag_s = _lag_s(data_timestamp(database), time.time())
    disk = os.statvfs(root)
    gauges = [
        ("dispatcher_up", "Whether a dispatcher answers.", running),
        ("database_bytes", "What the files of the database directory take.", _size_bytes(root)),
        ("disk_free_bytes", "Room on the disk of the database.", disk.f_bavail * disk.f_frsize),
        *([("data_lag_seconds", "Age of the newest data.", round(lag_s))] if lag_s is not None else []),
    ]
    for name, meaning, value in gauges:
        text += f"# HELP osm3s_{name} {meaning}\n# TYPE osm3s_{name} gauge\nosm3s_{name} {value}\n"
    return Page(text, METRICS_TYPE)


def _lag_s(timestamp: str, now_s: float) -> float | None:
    """Age of a timestamp like 2026-11-21T20:40:38Z; None if it is none."""
    from calendar import timegm

    try:
        return now_s - timegm(time.strptime(timestamp.replace("\\", "").strip(), "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return None


def _size_bytes(root: str) -> int:
    """What the files of the directory take on disk."""
    with os.scandir(root) as entries:
        return sum(entry.stat().st_blocks * 512 for entry in entries if entry.is_file(follow_symlinks=False))
