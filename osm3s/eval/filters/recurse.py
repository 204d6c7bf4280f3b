"""`(w) (r) (bn) (bw) (br) (>) (<) (way_cnt:...) ...`: what elements of a set consist of or belong to.

`(w)`: nodes of ways; `(r)`: members of relations, `(r:"role")` with a role; `(bn) (bw) (br)`: ways and relations that
have the nodes, ways or relations; `(w:1,-1)`, `(bn:1)`: at these positions; `(way_cnt:2-)`, `(way_link:2-)`: nodes in
so many ways or ends of pieces; `(>) (>>) (<) (<<)`: what these statements find. A set stands after the word: `(w.a)`.

Example: `way(12);node(w:1,-1);out ids;`
Example: `rel(21);nwr(r:"stop");out ids;`
Example: `node(6);way(bn);out ids;`
Example: `way(id:11,12,13);node(way_link:3-);out ids;`
Cost: downwards the elements of the set are read; upwards ways are found by place, relations through an index.
"""

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
