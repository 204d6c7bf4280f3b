"""`(area.set)`, `(area:id)`: in areas of a set, closed ways being areas as well, or in a stored area.

Nodes may be on the border, ways must have a part strictly inside; relations count by their members, of which nodes on
the border do not count. Decided in native/geom_area.c.

Example: `way(11);nwr(area);out ids;`
Cost: blocks that meet the areas are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from osm3s.eval.execution import Execution
from osm3s.eval.spatial import AreaIndex
from osm3s.ffi.element_set import ElementSet
from osm3s.ql.numbers import integer_prefix
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan
    from osm3s.storage.areas import StoredArea

MOST_REMEMBERED = 4


def add(plan: QueryPlan, element: Element) -> None:
    plan.spatial.append(_areas_of(plan.execution, element))


def _areas_of(execution: Execution, element: Element) -> AreaIndex:
    """Queries in a union often ask for the same areas one after the other: those of the last ones are remembered."""
    ref = element.get("ref")
    set_ = None if ref else execution.read(element.get("from"))
    key = integer_prefix(ref) if set_ is None else id(set_)
    remembered = execution.prepared_areas
    if key not in remembered:
        if set_ is None:
            stored = execution.snapshot.areas
            areas = _prepared(execution, [] if stored is None else stored.find([key]), None)
        else:
            areas = _prepared(execution, set_.areas, set_)
        if len(remembered) >= MOST_REMEMBERED:
            remembered.pop(next(iter(remembered)))
        remembered[key] = (areas, set_)
    return remembered[key][0]


def _prepared(execution: Execution, stored: Sequence[StoredArea], closed_ways: ElementSet | None) -> AreaIndex:
    limits = execution.limits
    areas = AreaIndex(limits)
    with limits.using(execution.memory_bytes()):
        execution.area_indexes.add(areas)
        for area in stored:
            areas.add_outline(area.outline())
        if closed_ways is not None:
            areas.add_closed_ways(execution.snapshot, limits, closed_ways)
        areas.prepare()
    return areas
