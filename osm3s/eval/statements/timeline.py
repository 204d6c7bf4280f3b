"""`timeline(type,id)`, `timeline(type,id,version)`: the versions of an element, each as an object with the times
at which it came and went. Deletions are versions, too.

Example: `timeline(node,3);out;`
Cost: reads all blocks that hold versions of the element.
"""

from __future__ import annotations

import time
from itertools import pairwise

from osm3s.eval.execution import Execution, require_history
from osm3s.ffi.element_set import ElementSet
from osm3s.output.derived import Derived
from osm3s.ql.numbers import integer_prefix
from osm3s.ql.tree import Element
from osm3s.storage.versions import Version, Versions

TYPES = ("node", "way", "relation")
FIRST_ID, LAST_ID = 1, (1 << 63) - 1


def execute(execution: Execution, element: Element) -> None:
    require_history(execution.snapshot)
    kind, ref, wanted = element.get("type"), integer_prefix(element.get("ref")), element.get("version")
    element_type = TYPES.index(kind)
    result, ids = ElementSet(), ElementSet()
    if FIRST_ID <= ref <= LAST_ID:
        ids.put_ids(element_type, [ref])
    versions = Versions(execution.snapshot, execution.limits.handle, element_type).of(ids.rows(element_type))
    for version, expired in _one_after_the_other(versions.described()):
        if wanted and version.version != integer_prefix(wanted):
            continue
        tags = [("reftype", kind), ("ref", str(ref)), ("refversion", str(version.version))]
        tags.append(("created", _text(version.timestamp)))
        if expired is not None:
            tags.append(("expired", _text(expired)))
        result.deriveds.append(Derived("timeline", execution.next_derived_id(), tags))
    execution.sets[element.get("into")] = result


def _one_after_the_other(versions: list[Version]) -> list[tuple[Version, int | None]]:
    """Each version once, with the time at which the next one came."""
    distinct: list[Version] = []
    for version in versions:
        if not distinct or (version.version, version.timestamp) != (distinct[-1].version, distinct[-1].timestamp):
            distinct.append(version)
    ends = [following.timestamp for _, following in pairwise(distinct)]
    return list(zip(distinct, [*ends, None], strict=True)) if distinct else []


def _text(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
