"""`node.a`: only elements of a set (in XML `item`).

Example: `node[amenity](50,6,52,8)->.a;node[name](50,6,52,8)->.b;node.a.b;out ids;`
Cost: a search in a sorted list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osm3s.ffi.element_set import ElementSet
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan


def add(plan: QueryPlan, element: Element) -> None:
    name = element.attrs.get("set") or element.get("from")

    def rows(element_type: int, into: ElementSet) -> None:
        execution = plan.execution
        set_ = execution.read(name)
        if execution.sets.of_one_time:
            into.add(set_, (element_type,))
        else:  # in `retro`, the elements of a set from outside are looked for as they were at its time
            into.take(execution.located(set_.ids(element_type), element_type), (element_type,))

    plan.sources.append(rows)
    plan.area_sources.append(lambda: plan.execution.read(name).areas)
    plan.input_sets.append(name)
