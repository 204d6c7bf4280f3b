"""`(around.set:radius)`, `(around:radius,lat,lon,...)`: within a distance of elements, points or a line.

Distances are decided in native/geom_around.c. Relations of the input count by their node and way members.

Example: `node(around:800,51.02,7.02);out ids;`
Example: `way(13);nwr(around:1);out ids;`
Cost: blocks near the input are read, and distances to it computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osm3s.eval.recursion import member_rows
from osm3s.eval.spatial import Around
from osm3s.ffi.element_set import NODE, RELATION, WAY
from osm3s.ql.numbers import float_prefix
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan


def add(plan: QueryPlan, element: Element) -> None:
    around = Around(float_prefix(element.get("radius")))
    if element.get("lat") or element.get("lon"):
        around.add_line([float_prefix(element.get("lat")), float_prefix(element.get("lon"))])
    elif element.get("polyline"):
        around.add_line([float_prefix(number) for number in element.get("polyline").split(",")])
    else:
        execution = plan.execution
        start = execution.read(element.get("from"))
        if start.count(RELATION):
            start = start.copy()
            relations = start.copy((RELATION,))
            with execution.at(execution.sets.time_of(element.get("from"))):
                for element_type in (NODE, WAY):
                    member_rows(execution, relations, element_type, None, start, or_later=True)
        around.add_set(execution.snapshot, start)
    around.prepare()
    plan.spatial.append(around)
