"""The evaluator as the frontend sees it."""

from __future__ import annotations

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
