"""`(newer:"T")`: elements whose version is of time T or later."""

from __future__ import annotations

import calendar
from typing import TYPE_CHECKING

from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan


def add(plan: QueryPlan, element: Element) -> None:
    plan.require_newer(seconds_of(element.get("than")))


def seconds_of(timestamp: str) -> int:
    """Seconds since 1970 of `yyyy-mm-ddThh:mm:ss`, read by position."""
    fields = (timestamp[0:4], timestamp[5:7], timestamp[8:10], timestamp[11:13], timestamp[14:16], timestamp[17:19])
    return max(1, calendar.timegm(tuple(int(f) for f in fields)))
