"""A filter as a statement of its own, as in `node(3);`: a query with just this filter.

The global bbox does not apply to it, but for `user`.
"""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.eval.query_plan import QueryPlan
from osm3s.eval.statements.query import QUERY_TYPES
from osm3s.ffi.element_set import NODE, TYPES
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    types: tuple[int, ...] = (NODE,)
    if element.name in ("id-query", "user", "changed"):
        types = QUERY_TYPES[element.get("type")] if element.get("type") else TYPES
    elif element.name == "pivot":
        types = TYPES
    plan = QueryPlan(execution)
    plan.add_filter(element)
    if element.name == "user" and execution.bbox is not None:
        plan.add_bbox(*execution.bbox)
    is_area = element.name == "id-query" and element.get("type") == "area"
    execution.sets[element.get("into")] = plan.run_areas() if is_area else plan.run(types)


def do_nothing(execution: Execution, element: Element) -> None:
    """A has-kv outside of a query is accepted and has no effect, as in the reference."""
