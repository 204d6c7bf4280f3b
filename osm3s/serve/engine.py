"""The evaluator as the frontend sees it. Importing this imports all that a query may need, for the warmed parent."""

from __future__ import annotations

import hashlib as hashlib  # what others import only when they need it

import lmdb._envid as lmdb_envid  # noqa: F401

import osm3s.dispatch.request_hash as request_hash  # noqa: F401
import osm3s.eval.statements.count_only as count_only  # noqa: F401
import osm3s.ql.xml_reader as xml_reader  # noqa: F401
from osm3s.eval import statements as statements
from osm3s.eval.execution import execute
from osm3s.eval.limits import Limits
from osm3s.output.writer import Writer
from osm3s.ql import Script
from osm3s.ql.settings import Settings
from osm3s.storage.snapshot import Snapshot, open_snapshot


class NativeEngine:
    """An `Engine` that reads a database directory."""

    def open_snapshot(self, db_dir: str) -> Snapshot:
        return open_snapshot(db_dir)

    def execute(
        self, script: Script, settings: Settings, snapshot: Snapshot, writer: Writer, started_s: float, web: bool
    ) -> None:
        limits = Limits(settings.timeout_s, settings.maxsize_bytes, started_s)
        execute(script, snapshot, writer, limits, settings.bbox, web)


NATIVE = NativeEngine()
