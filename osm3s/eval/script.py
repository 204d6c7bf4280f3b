"""Runs a whole script: at the time it speaks of, or twice if it asks for the difference between two times."""

from __future__ import annotations

from osm3s.eval.area_ids import uses_areas
from osm3s.eval.difference import Difference
from osm3s.eval.execution import Box, Execution, require_history
from osm3s.eval.explanation import Explanation
from osm3s.eval.limits import Limits
from osm3s.eval.scope import Scope
from osm3s.eval.statements import STATEMENTS
from osm3s.eval.statements.count_only import count_only
from osm3s.output.writer import Writer
from osm3s.ql.timestamps import seconds_of
from osm3s.ql.tree import Element
from osm3s.storage.snapshot import Snapshot


def execute(
    script: Element,
    snapshot: Snapshot,
    writer: Writer,
    limits: Limits,
    bbox: Box | None = None,
    web: bool = False,
    explanation: Explanation | None = None,
) -> None:
    """Run a whole script that `support.check` has passed; what it prints goes to `writer`, how to `explanation`.

    Raises QueryFailed when the query is stopped; what was printed before stays valid.
    """
    date, since = script.attrs.get("date", ""), script.attrs.get("from", "")
    date_s = seconds_of(date) if date else 0
    if date or since:
        require_history(snapshot)
    try:
        snapshot.set_time(date_s)
        execution = Execution(STATEMENTS, snapshot, writer, limits, bbox, web, uses_areas(script))
        execution.explanation = explanation or execution.explanation
        if since:
            _execute_twice(script, execution, seconds_of(since), date_s)
        else:
            execution.run(script.children, count_only)
        execution.end()
    finally:
        snapshot.set_time(0)


def _execute_twice(script: Element, execution: Execution, before_s: int, after_s: int) -> None:
    execution.difference = Difference(before_s, after_s, script.attrs.get("augmented") == "deletions")
    _run_at(before_s, script, execution)
    execution.difference.start_second_run()
    _run_at(after_s, script, execution)


def _run_at(seconds: int, script: Element, execution: Execution) -> None:
    execution.snapshot.set_time(seconds)
    execution.sets = Scope(time_s=seconds)
    execution.run(script.children)
