"""`(pivot.set)`: the ways and relations from which the areas of a set were made; ways of the set are their own.

Example: `area[name=Square];way(pivot);out ids;`
Cost: one look into an index for each area.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osm3s.eval.area_ids import RELATION_AREAS, WAY_AREAS
from osm3s.ffi.element_set import RELATION, WAY, ElementSet
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan


def add(plan: QueryPlan, element: Element) -> None:
    execution, name = plan.execution, element.get("from")

    def rows(element_type: int, into: ElementSet) -> None:
        set_ = execution.read(name)
        if element_type in (WAY, RELATION):
            ids = (WAY_AREAS if element_type == WAY else RELATION_AREAS).elements(area.id for area in set_.areas)
            into.put_ids(element_type, ids)
            execution.snapshot.locate(into.rows(element_type), element_type)
        if element_type == WAY:
            into.add(set_, (WAY,))

    plan.sources.append(rows)
    plan.area_sources.append(list)  # areas are not made from areas
