"""`count_tags()`: how many tags the element has.
Example: `node(5);convert a x=count_tags();out;`

`count_members()`: how many nodes a way has, or members a relation; of relations also of one type:
`count_members(ways)`.
Example: `rel(21);convert a x=count_members(),y=count_members(ways);out;`

`count_distinct_members()`: the same, but each node once, and each member once per role.
Example: `way(11);convert a x=count_members(),y=count_distinct_members();out;`

`count_by_role("role")`: members of a relation with that role, also of one type: `count_by_role("role",ways)`.
Example: `rel(21);convert a x=count_by_role("stop"),y=count_by_role("stop",ways);out;`

`count_distinct_by_role("role")`: the same, each member once.
Example: `rel(21);convert a x=count_distinct_by_role("outer");out;`

Cost: below a microsecond for tags and members; roles and distinct members are read one by one.
"""

from __future__ import annotations

from collections.abc import Callable

from osm3s.eval.evaluators.preparation import Column, Numbers, Preparation
from osm3s.eval.items import Items, MemberList
from osm3s.ql.tree import Element

_TYPES = {"nodes": 0, "ways": 1, "relations": 2, "rels": 2}

Member = tuple[int, int, str]


def prop_count(preparation: Preparation, element: Element) -> Column:
    kind, members_type = element.get("type"), element.get("members_type")
    if kind == "tags":
        return Numbers("tags", lambda batch: batch.count_tags())
    if kind == "members" and members_type == "all":
        return Numbers("members", lambda batch: batch.count_members())
    role = element.get("role") if kind.endswith("by_role") else None
    wanted_type = _TYPES.get(members_type)
    restricted = role is not None or wanted_type is not None
    count: Callable[[MemberList, int | None, str | None], int] = _distinct if kind.startswith("distinct") else _number

    def counts(items: Items) -> list[str]:
        is_way = items.batch.is_way
        found = []
        for members in items.batch.members():
            if members is None or (is_way and restricted):
                found.append("0" if items.batch.ids() != [""] else "")
            else:
                found.append(str(count(members, wanted_type, role)))
        return items.spread(found)

    return counts


def _matching(members: MemberList, wanted_type: int | None, role: str | None) -> list[Member]:
    return [
        member
        for member in zip(members.types, members.refs, members.roles, strict=True)
        if (wanted_type is None or member[0] == wanted_type) and (role is None or member[2] == role)
    ]


def _number(members: MemberList, wanted_type: int | None, role: str | None) -> int:
    if role is None:
        return len(members.types) if wanted_type is None else members.types.count(wanted_type)
    if wanted_type is None:
        return members.roles.count(role)
    return sum(map((wanted_type, role).__eq__, zip(members.types, members.roles, strict=True)))


def _distinct(members: MemberList, wanted_type: int | None, role: str | None) -> int:
    """Members that differ from their predecessor in an order by type and ref that leaves roles as they are."""
    ordered = sorted(_matching(members, wanted_type, role), key=lambda member: member[:2])
    return sum(a != b for a, b in zip([None, *ordered], ordered, strict=False))
