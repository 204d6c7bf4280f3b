"""The evaluator as the frontend sees it."""

from __future__ import annotations

from osm3s.eval.area_ids import uses_areas
from osm3s.eval.explanation import Explanation
from osm3s.eval.limits import Limits
from osm3s.eval.script import execute
from osm3s.output.writer import Writer
from osm3s.ql import Script
from osm3s.ql.settings import Settings
from osm3s.storage.empty_snapshot import EmptySnapshot
from osm3s.storage.snapshot import Snapshot, open_snapshot


class NativeEngine:
    """An `Engine` that reads a database directory."""

    def __init__(self) -> None:
        self._put_by: dict[str, Snapshot] = {}

    def open_snapshot(self, db_dir: str) -> Snapshot:
        kept = self._put_by.pop(db_dir, None)
        return kept if kept is not None and kept.resume() else open_snapshot(db_dir)

    def put_by(self, snapshot: Snapshot, db_dir: str) -> None:
        snapshot.pause()
        self._put_by[db_dir] = snapshot

    def areas_base(self, script: Script, snapshot: Snapshot) -> str | None:
        """The timestamp of the stored areas; closed ways are areas of the map itself."""
        if not uses_areas(script):
            return None
        areas = snapshot.areas
        return snapshot.settings.timestamp if areas is None else areas.timestamp

    def execute(
        self,
        script: Script,
        settings: Settings,
        snapshot: Snapshot,
        writer: Writer,
        started_s: float,
        web: bool,
        explanation: Explanation | None = None,
    ) -> None:
        limits = Limits(settings.timeout_s, settings.maxsize_bytes, started_s)
        execute(script, snapshot, writer, limits, settings.bbox, web, explanation)


class EmptyMap(NativeEngine):
    """Reads no database: answers as one without elements would."""

    def open_snapshot(self, _db_dir: str) -> Snapshot:
        return EmptySnapshot()


NATIVE, EMPTY = NativeEngine(), EmptyMap()
