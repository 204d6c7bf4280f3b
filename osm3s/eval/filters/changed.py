"""`(changed:"T","U")`: elements that got a version after T and up to U, or whose nodes or members moved then.

`(changed:"T")` means: between T and the time of the query, which is now or its date. `(changed)` means the time after
the date, or the time between the two of a `[diff:]`. Needs a database that keeps superseded versions.

Example: `node(changed:"2020-01-01T12:00:00Z","2020-01-02T12:00:00Z");out ids;`
Cost: reads the changelogs of the updates that brought changes of the interval; of times before the import, all blocks
that have changed since the beginning of the interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osm3s.eval.execution import Execution
from osm3s.ql.timestamps import seconds_of
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan

NOW = (1 << 32) - 1
NEVER = (NOW, NOW)


def add(plan: QueryPlan, element: Element) -> None:
    plan.require_changed(*interval_of(plan.execution, element))


def interval_of(execution: Execution, element: Element) -> tuple[int, int]:
    """After the one, up to the other, in seconds since 1970; nothing matches `NEVER`."""
    since, until = element.get("since"), element.get("until")
    difference, date = execution.difference, execution.snapshot.time
    if since == "init":  # from the beginning, but only together with an end, as in the reference
        return (0, seconds_of(until)) if _is_timestamp(until) else NEVER
    if not _is_timestamp(since):
        if difference is not None:
            return difference.interval
        return (date, NOW) if date else NEVER
    from_s, to_s = seconds_of(since), seconds_of(until)
    if from_s != to_s:
        return from_s, to_s
    if difference is not None:
        return difference.interval if from_s in (difference.before_s, difference.after_s) else NEVER
    return (min(from_s, date), max(from_s, date)) if date else (from_s, NOW)


def _is_timestamp(text: str) -> bool:
    return len(text) >= 19
