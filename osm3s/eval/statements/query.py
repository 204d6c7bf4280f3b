"""`node[...](...)...;`: all elements of some types that satisfy all filters."""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.eval.query_plan import QueryPlan
from osm3s.ffi.element_set import NODE, RELATION, WAY
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
}


def execute(execution: Execution, element: Element) -> None:
    plan = plan_of(execution, element)
    is_derived = element.get("type") == "derived"
    execution.sets[element.get("into")] = (
        plan.run_deriveds() if is_derived else plan.run(QUERY_TYPES[element.get("type")])
    )


def plan_of(execution: Execution, element: Element) -> QueryPlan:
    """The plan of a query with its filters and the global bbox."""
    plan = QueryPlan(execution)
    for child in element.children:
        plan.add_filter(child)
    if execution.bbox is not None:
        plan.add_bbox(*execution.bbox)
    return plan
