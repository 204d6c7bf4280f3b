"""A run of rules: an operator's script makes areas, which become visible all at once at its end.

Areas made by rules stay as they are until rules are run again; only those go whose relation or way is gone. The first
run after areas followed the map by themselves begins from none.
"""

from __future__ import annotations

from collections.abc import Callable

from osm3s.areas.writing import RULES, AreaChange, as_of, ids_of, write, writing_areas
from osm3s.constants import RELATION_AREA_OFFSET, WAY_AREA_OFFSET
from osm3s.eval import support
from osm3s.eval.execution import Execution, Rules
from osm3s.eval.explanation import Explanation
from osm3s.eval.limits import Limits
from osm3s.eval.statements import STATEMENTS
from osm3s.ffi.batch import Batch
from osm3s.ffi.element_set import NODE, RELATION, WAY, ElementSet
from osm3s.output.writer import Writer
from osm3s.paths import AREAS
from osm3s.ql import Script
from osm3s.ql.settings import Settings
from osm3s.storage.areas import open_areas
from osm3s.storage.snapshot import Snapshot, open_snapshot
from osm3s.update.compact import compact_after_commit


class RulesEngine:
    """Runs a script in which areas may be made, and stores them."""

    def __init__(self, remark: Callable[[str], None]) -> None:
        """`remark` is told why an area could not be made."""
        self._remark = remark

    def open_snapshot(self, db_dir: str) -> Snapshot:
        return open_snapshot(db_dir)

    def put_by(self, snapshot: Snapshot, db_dir: str) -> None:
        """This process runs no other query."""
        snapshot.close()

    def areas_base(self, script: Script, snapshot: Snapshot) -> str | None:
        """The timestamp of the areas before the run, as the reference prints it."""
        return snapshot.areas.timestamp if support.makes_areas(script) and snapshot.areas else None

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
        """Raises QueryFailed, StorageError, DispatcherError: the areas are as they were then."""
        execution = Execution(
            STATEMENTS, snapshot, writer, Limits(0, settings.maxsize_bytes, started_s), settings.bbox, web
        )
        execution.explanation = explanation or execution.explanation
        execution.rules = Rules(self._remark)
        execution.run(script.children)
        snapshot.close_areas()
        if support.makes_areas(script):
            store(snapshot, execution.rules.areas)


def store(snapshot: Snapshot, made: Batch) -> None:
    """Make the areas of a run visible. Raises StorageError, DispatcherError."""
    with writing_areas(snapshot.root) as permission:
        change = AreaChange(as_of(snapshot.settings, RULES), [made], _outdated(snapshot, ids_of(made)))
        n_large_deltas = write(permission, change)
    if n_large_deltas:
        compact_after_commit(snapshot.root, AREAS)


def _outdated(snapshot: Snapshot, made: set[int]) -> list[int]:
    """Areas that go: all if they are not what rules have made of this map, else those whose pivot is gone."""
    areas = open_areas(snapshot.root)
    if areas is None:
        return []
    with areas.snapshot:
        others = [area_id for area_id in areas.ids() if area_id not in made]
        settings = areas.snapshot.settings
    if settings.made_by != RULES or settings.build or settings.map_id != snapshot.settings.map_id:
        return others
    there = _with_pivot(snapshot, others)
    return [area_id for area_id in others if area_id not in there]


def _with_pivot(snapshot: Snapshot, area_ids: list[int]) -> set[int]:
    """Those areas whose relation, way or node is in the map."""
    found: set[int] = set()
    starts = ((RELATION, RELATION_AREA_OFFSET), (WAY, WAY_AREA_OFFSET), (NODE, 0))
    end = max(area_ids, default=0) + 1
    for element_type, start in starts:
        pivots = ElementSet()
        pivots.put_ids(element_type, (i - start for i in area_ids if start < i < end))
        snapshot.locate(pivots.rows(element_type), element_type)
        found |= {i + start for i in pivots.ids(element_type)}
        end = start + 1
    return found
