"""`(newer:"T")`: elements whose version is of time T or later.

Example: `nwr(50,6,52,8)(newer:"2020-01-03T00:00:00Z");out ids;`
Cost: reads the metadata of what the other filters find; it does not narrow the search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osm3s.ql.timestamps import seconds_of
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan


def add(plan: QueryPlan, element: Element) -> None:
    plan.require_newer(seconds_of(element.get("than")))
