"""`<make-area pivot="..."/>`: the area of the pivot, bounded by the ways of a set. Only runs of rules may do this."""

from __future__ import annotations

from osm3s.errors import QueryForbidden
from osm3s.eval.execution import Execution
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import NODE, TYPES, WAY, ElementSet
from osm3s.ql.tree import Element
from osm3s.storage.areas import MadeArea

NEEDS_RULES = "Specify --rules to execute a rule. make-area can only appear in rules."


def execute(execution: Execution, element: Element) -> None:
    pivots, input_ = execution.sets.get(element.get("pivot")), execution.sets.get(element.get("from"))
    result = ElementSet()
    execution.sets[element.get("into")] = result
    pivot_type = next((t for t in TYPES if pivots is not None and pivots.count(t)), None)
    rules = execution.rules
    if rules is None:
        raise QueryForbidden(NEEDS_RULES)
    if pivots is None or input_ is None or pivot_type is None:
        return
    snapshot, handle = execution.snapshot, execution.limits.handle
    if pivot_type == NODE:
        snapshot.resolve_nodes(pivots)
    rows = pivots.rows(pivot_type)
    ordered = ffi.new("osm3s_row[]", rows.n)
    check(lib.osm3s_order_quadtile(snapshot.handle, handle, rows, pivot_type, ordered))
    odd_node = ffi.new("int64_t *")
    made = check(
        lib.osm3s_area_make(
            snapshot.handle,
            handle,
            ordered,
            pivot_type,
            input_.rows(WAY),
            input_.rows(NODE),
            rules.areas.c,
            odd_node,
        )
    )
    if made and element.get("return-area") == "yes":
        result.put_areas([MadeArea(rules.areas, len(rules.areas) - 1)])
    if odd_node[0]:
        rules.remark(f"make-area: Node {odd_node[0]} is contained in an odd number of ways.\n")
