"""`[k] [!k] [k=v] [k!=v] [k~re] [k!~re] [~kre~vre]`, `,i`: filters by tags. Decided in native/query_tags.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osm3s.eval.tag_filter import TagFilter
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan


def add(plan: QueryPlan, element: Element) -> None:
    plan.tags.append(
        TagFilter(
            key=element.get("k"),
            value=element.get("v"),
            key_regex=element.get("regk"),
            value_regex=element.get("regv"),
            negate=element.get("modv") == "not",
            ignore_case=element.get("case") == "ignore",
            context=plan.execution.limits.handle,
        )
    )
