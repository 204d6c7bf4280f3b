"""`(1)`, `(id:1,2,3)`: elements by id; in XML also by range (`lower`, `upper`).

Example: `way(id:11,13,99);out ids;`
Cost: one look into an index for each id.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from osm3s.ffi.element_set import ElementSet
from osm3s.ql.numbers import integer_prefix
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan
    from osm3s.storage.areas import StoredArea

MOST_ID = (1 << 63) - 1
RANGE_STEP = 1 << 20
"""So many ids of a range are looked up at a time."""


def add(plan: QueryPlan, element: Element) -> None:
    ids = [integer_prefix(v) for name, v in element.attrs.items() if name == "ref" or name.startswith("ref_")]
    wanted = [i for i in ids if 0 < i <= MOST_ID]
    lower, upper = element.get("lower"), element.get("upper")

    def rows(element_type: int, into: ElementSet) -> None:
        into.put_ids(element_type, wanted)
        plan.execution.snapshot.locate(into.rows(element_type), element_type)
        if lower and upper:
            _add_range(plan, element_type, range(max(1, integer_prefix(lower)), integer_prefix(upper) + 1), into)

    plan.sources.append(rows)
    plan.area_sources.append(lambda: _areas(plan, wanted, lower, upper))


def _add_range(plan: QueryPlan, element_type: int, ids: range, into: ElementSet) -> None:
    rest = iter(ids)
    while part := list(islice(rest, RANGE_STEP)):
        found = ElementSet()
        found.put_ids(element_type, part)
        plan.execution.snapshot.locate(found.rows(element_type), element_type)
        into.add(found, (element_type,))


def _areas(plan: QueryPlan, wanted: list[int], lower: str, upper: str) -> Sequence[StoredArea]:
    stored = plan.snapshot.areas
    if stored is None:
        return []
    if not (lower and upper):
        return stored.find(wanted)
    ids, others = range(integer_prefix(lower), integer_prefix(upper) + 1), set(wanted)
    return [area for area in stored.all() if area.id in ids or area.id in others]
