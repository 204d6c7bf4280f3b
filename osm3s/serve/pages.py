"""What answers at the page doors."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from osm3s.ql.request import form_fields
from osm3s.serve import augmented_diffs, editor, health, status
from osm3s.serve.convert import convert, convert_xapi
from osm3s.serve.doors import EDITOR_DOORS
from osm3s.serve.page import Page
from osm3s.serve.request import Database, Request
from osm3s.serve.template import template

CLONE_DIR = "/var/www/clone"
"""Where the reference's scripts put clones."""


def _status(request: Request, database: Database) -> Page:
    in_query = form_fields(request.query_string).get(b"apikey", b"").decode("utf-8", "replace")
    return Page(status.status_text(database, request.remote_addr, time.time(), request.api_key or in_query))


def _timestamp(_request: Request, database: Database) -> Page:
    return Page(status.data_timestamp(database) + "\n", "text/plain")


def _kill_my_queries(request: Request, database: Database) -> Page:
    return Page(status.kill_my_queries(database, request.remote_addr))


def _trigger_clone(_request: Request, _database: Database) -> Page:
    """The place from which the newest clone can be loaded; empty if there is none."""
    try:
        return Page(Path(os.environ.get("OVERPASS_CLONE_DIR") or CLONE_DIR, "latest_dir").read_text("utf-8"))
    except OSError:
        return Page("")


PAGES: dict[str, Callable[[Request, Database], Page]] = {
    "status": _status,
    "timestamp": _timestamp,
    "kill_my_queries": _kill_my_queries,
    "convert": convert,
    "convert_xapi": convert_xapi,
    "augmented_diff_status": augmented_diffs.newest_number,
    "augmented_state_by_date": augmented_diffs.state_by_date,
    "trigger_clone": _trigger_clone,
    "template": template,
    "healthz": health.healthz,
    "metrics": health.metrics,
    **dict.fromkeys(EDITOR_DOORS, editor.file),
}
"""Each may raise DispatcherError and QueryRejected."""
