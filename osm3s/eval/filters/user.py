"""`(user:"a","b")`, `(uid:1,2)`: elements whose last version is by one of the users; `user_touched`, `uid_touched`: of
which any version is.

Example: `nwr(50,6,52,8)(user:"bob");out ids;`
Example: `node(uid:101);out ids;`
Cost: reads the metadata of what the other filters find; alone, and for the touched forms, that of the whole database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osm3s.ql.numbers import integer_prefix
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan


def _uid(text: str) -> int:
    """As the reference reads it: the low 32 bits; we store them signed."""
    return (integer_prefix(text) + (1 << 31)) % (1 << 32) - (1 << 31)


def add(plan: QueryPlan, element: Element) -> None:
    uids = [_uid(v) for k, v in element.attrs.items() if k == "uid" or k.startswith("uid_")]
    names = {v for k, v in element.attrs.items() if (k == "name" or k.startswith("name_")) and v}
    if names:
        uids += plan.execution.snapshot.uids_of_names(names)
    if element.get("criterion") == "touched":
        plan.require_touched(uids)
    else:
        plan.require_users(uids)
