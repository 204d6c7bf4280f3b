"""`(south,west,north,east)`: nodes in the box, ways with a segment that touches it, relations with such a member.

Example: `nwr(51,7,51.005,7.006);out ids;`
Cost: blocks that meet the box are read; those inside it need no test of their elements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osm3s.ql.numbers import float_prefix
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan


def add(plan: QueryPlan, element: Element) -> None:
    south, west, north, east = (float_prefix(element.get(side)) for side in "swne")
    plan.add_bbox(south, west, north, east)
