"""`.a map_to_area;`: the areas that were made from the relations of a set, and its closed ways, which are areas.

Example: `way(id:11,12);map_to_area;out ids;`
Cost: one look into an index for each element.
"""

from __future__ import annotations

from osm3s.eval.area_ids import RELATION_AREAS, WAY_AREAS
from osm3s.eval.execution import Execution
from osm3s.ffi import check, lib
from osm3s.ffi.element_set import RELATION, WAY, ElementSet
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    set_, result = execution.read(element.get("from")), ElementSet()
    snapshot, stored = execution.snapshot, execution.snapshot.areas
    check(lib.osm3s_closed_ways(snapshot.handle, execution.limits.handle, set_.rows(WAY), result.rows(WAY)))
    if stored is not None:
        ids = [*WAY_AREAS.areas(set_.ids(WAY)), *RELATION_AREAS.areas(set_.ids(RELATION))]
        result.areas = stored.find(ids)
    execution.sets[element.get("into")] = result
