"""`node[...](...)...;`: all elements of some types that satisfy all filters.

The types are `node way rel relation nwr nw wr nr`, `area` (also closed ways) and `derived`. `.name` after the type and
the filters in brackets and parentheses may come in any order, which means nothing.

Example: `way[highway](51.01,7,51.05,7.05)->.streets;.streets out ids;`
Cost: that of the most selective filter: ids and sets are looked up, tags and places are found through their indexes.
Without any of them the whole database is read.
"""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.eval.query_plan import QueryPlan
from osm3s.ffi.element_set import NODE, RELATION, WAY, ElementSet
from osm3s.ql.tree import Element

QUERY_TYPES: dict[str, tuple[int, ...]] = {
    "node": (NODE,),
    "way": (WAY,),
    "relation": (RELATION,),
    "nwr": (NODE, WAY, RELATION),
    "nw": (NODE, WAY),
    "wr": (WAY, RELATION),
    "nr": (NODE, RELATION),
    "derived": (),
    "area": (WAY,),
}
"""An area query is one for closed ways as well."""


def execute(execution: Execution, element: Element) -> None:
    found = run(plan_of(execution, element), element.get("type"))
    execution.explanation.found(found.counts())
    execution.sets[element.get("into")] = found


def run(plan: QueryPlan, query_type: str) -> ElementSet:
    if query_type == "derived":
        return plan.run_deriveds()
    return plan.run_areas() if query_type == "area" else plan.run(QUERY_TYPES[query_type])


def plan_of(execution: Execution, element: Element) -> QueryPlan:
    """The plan of a query with its filters and the global bbox."""
    plan = QueryPlan(execution)
    for child in element.children:
        plan.add_filter(child)
    if execution.bbox is not None:
        plan.add_bbox(*execution.bbox)
    return plan
