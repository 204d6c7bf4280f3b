"""`(poly:"lat lon lat lon ...")`: inside a polygon, whose border belongs to it. Decided in native/geom_poly.c.

Example: `node(poly:"51 7 51.03 7 51.03 7.03");out ids;`
Cost: blocks that meet the polygon are read; more corners cost little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osm3s.eval.spatial import Polygon
from osm3s.ql.numbers import float_prefix
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan


def add(plan: QueryPlan, element: Element) -> None:
    plan.spatial.append(Polygon([float_prefix(number) for number in element.get("bounds").split()]))
