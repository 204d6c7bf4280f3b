"""`(changed:"T","U")`: elements that got a version after T and up to U, or whose nodes or members moved then.

`(changed:"T")` means up to now; `(changed)` asks about the time of the query itself, when nothing changes. Needs a
database that keeps superseded versions.

What changed when is known
 * exactly for the version that an element has now, whether it came with the import or later,
 * exactly for a way or relation of which a node or way has moved, as long as that is still the newest version of the
   node or way,
 * to the data timestamp of its commit for versions that a later commit has replaced or deleted,
 * not at all for versions from the import that have been replaced since.
A way that got other nodes within the same bounding box is taken for one that only got other tags: relations that it
belongs to do not count as changed.

Example: `node(changed:"2020-01-01T12:00:00Z","2020-01-02T12:00:00Z");out ids;`
Cost: the changes of the interval are read from the list of changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osm3s.ql.timestamps import seconds_of
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan

NOW = (1 << 32) - 1
NEVER = (NOW, NOW)


def add(plan: QueryPlan, element: Element) -> None:
    plan.require_changed(*interval_of(element))


def interval_of(element: Element) -> tuple[int, int]:
    """After the one, up to the other, in seconds since 1970; nothing matches `NEVER`."""
    since, until = element.get("since"), element.get("until")
    if since == "init":  # from the beginning, but only together with an end, as in the reference
        return (0, seconds_of(until)) if _is_timestamp(until) else NEVER
    if not _is_timestamp(since):
        return NEVER
    from_s, to_s = seconds_of(since), seconds_of(until)
    return (from_s, NOW) if from_s == to_s else (from_s, to_s)


def _is_timestamp(text: str) -> bool:
    return len(text) >= 19
