"""`[k] [!k] [k=v] [k!=v] [k~re] [k!~re] [~kre~vre]`, `,i`: filters by tags. Decided in native/query_tags.c.

`!=`, `!~` and `!` are also true of elements without the key. `~` looks for a match of a POSIX extended regular
expression anywhere in the value; with `,i` upper and lower case are the same.

Example: `nwr[name](50,6,52,8);out ids;`
Example: `way["highway"!="primary"](50,6,52,8);out ids;`
Example: `nwr[~"^(name|ref)$"~"^c",i](50,6,52,8);out ids;`
Cost: `[k]`, `[k=v]` and `[k~re]` lead to the blocks that have such tags; a regular expression is tried once for each
distinct value. Those that negate and those for keys only test what other filters find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osm3s.eval.tag_filter import TagFilter
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan


def add(plan: QueryPlan, element: Element) -> None:
    value, key_regex, value_regex = element.get("v"), element.get("regk"), element.get("regv")
    plan.tags.append(
        TagFilter(
            key=element.get("k"),
            value=value,
            key_regex=key_regex,
            value_regex=value_regex or (".*" if key_regex else ""),
            negate=element.get("modv") == "not" and bool(value or value_regex),
            ignore_case=element.get("case") == "ignore",
            context=plan.execution.limits.handle,
        )
    )
