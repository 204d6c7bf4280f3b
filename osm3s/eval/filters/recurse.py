"""`(w) (r) (bn) (bw) (br) (>) (<) (way_cnt:...) ...`: what elements of a set consist of or belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osm3s.eval.recursion import RECURSION_TYPES, recursion_rows
from osm3s.ffi.element_set import ElementSet
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan


def add(plan: QueryPlan, element: Element) -> None:
    def rows(element_type: int, into: ElementSet) -> None:
        if element_type in RECURSION_TYPES[element.get("type")]:
            recursion_rows(plan.execution, element, element_type, into)

    plan.sources.append(rows)
    plan.area_sources.append(list)  # areas are members of nothing
