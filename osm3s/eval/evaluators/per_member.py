"""`per_member(value)`: the value for each node of a way or member of a relation, separated by semicolons.
Example: `way(12);convert a x=per_member(ref());out;`

`per_vertex(value)`: the value for each inner node of a way, and for the last one if it is closed.
Example: `way(11);convert a x=per_vertex(pos());out;`

`pos()`: where the member stands, from 1. Inside `per_member` and `per_vertex`, as all that follow.
Example: `way(12);convert a x=per_member(pos());out;`

`mtype()`: the type of the member.
Example: `rel(21);convert a x=per_member(mtype());out;`

`ref()`: the id of the member.
Example: `rel(21);convert a x=per_member(ref());out;`

`role()`: the role of the member.
Example: `rel(21);convert a x=per_member(role());out;`

`angle()`: by how many degrees the way turns here, to the right if positive. Inside `per_vertex` alone.
Example: `way(11);convert a x=per_vertex(angle());out;`

Cost: about a microsecond for each member.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from osm3s.errors import QueryOutOfMemory
from osm3s.eval.evaluators.preparation import Column, Preparation
from osm3s.eval.items import MEMBER_TYPES, Items, MemberList
from osm3s.ql.tree import Element

MOST_ITEMS = 10_000_000
"""So many members are looked at in one step."""
_QUARTER = math.acos(0)
_DEGREE = _QUARTER / 90.0
_SMALLEST = 1e-10


def per_member(preparation: Preparation, element: Element) -> Column | None:
    return _joined(preparation, element, lambda members, is_way: range(len(members.refs)))


def per_vertex(preparation: Preparation, element: Element) -> Column | None:
    return _joined(preparation, element, _vertices)


def _vertices(members: MemberList, is_way: bool) -> range:
    """The nodes of a way where two segments meet; of a closed way the last node is one of them."""
    n = len(members.refs)
    if not is_way or n <= 2:
        return range(0)
    return range(1, n if members.refs[0] == members.refs[-1] else n - 1)


def _joined(
    preparation: Preparation, element: Element, places_of: Callable[[MemberList, bool], range]
) -> Column | None:
    """One value per member, separated by semicolons."""
    column = preparation.string(element.children[0]) if element.children else None
    if column is None:
        return None

    def join(items: Items) -> list[str]:
        is_way = items.batch.is_way
        places = [places_of(m, is_way) if m is not None else range(0) for m in items.batch.members()]
        own = items.element_numbers()
        if sum(len(places[owner]) for owner in own) > MOST_ITEMS:  # nested, the numbers of members multiply
            raise QueryOutOfMemory
        preparation.execution.check_limits()
        values = column(
            Items(
                items.batch,
                owners=[owner for owner in own for _ in places[owner]],
                places=[place for owner in own for place in places[owner]],
                keys=items.keys and [k for k, owner in zip(items.keys, own, strict=True) for _ in places[owner]],
            )
        )
        joined, start = [], 0
        for owner in own:
            end = start + len(places[owner])
            joined.append(";".join(values[start:end]))
            start = end
        return joined

    return join


def _of_members(value: Callable[[MemberList, int], str]) -> Callable[[Preparation, Element], Column]:
    def make(preparation: Preparation, element: Element) -> Column:
        def column(items: Items) -> list[str]:
            if items.places is None:
                return items.constant("")
            members = items.batch.members()
            found = []
            for owner, place in zip(items.element_numbers(), items.places, strict=True):
                of_owner = members[owner]
                found.append("" if of_owner is None else value(of_owner, place))
            return found

        return column

    return make


pos = _of_members(lambda members, place: str(place + 1))
member_type = _of_members(lambda members, place: MEMBER_TYPES[members.types[place]])
ref = _of_members(lambda members, place: str(members.refs[place]))
role = _of_members(lambda members, place: members.roles[place])


# --- angles ---------------------------------------------------------------------------------------------------------

Vector = tuple[float, float, float]


def angle(preparation: Preparation, element: Element) -> Column:
    def column(items: Items) -> list[str]:
        if items.places is None or not items.batch.is_way:
            return items.constant("")
        lines, members = items.batch.positions(), items.batch.members()
        found = []
        for owner, place in zip(items.element_numbers(), items.places, strict=True):
            line, of_owner = lines[owner] or [], members[owner]
            closed = of_owner is not None and of_owner.refs[0] == of_owner.refs[-1]
            if place == 0 or not (place + 1 < len(line) or closed):
                found.append("")
            else:
                following = line[place + 1] if place + 1 < len(line) else line[1]
                found.append(_turn(line[place - 1], line[place], following))
        return found

    return column


def _cartesian(position: tuple[float, float]) -> Vector:
    lat, lon = position
    if lat != lat:
        return 0.0, 0.0, 0.0
    around = math.cos(lat * _DEGREE)
    return (
        math.sin(lat * _DEGREE),
        around * math.sin(lon * _DEGREE),
        around * math.cos(lon * _DEGREE),
    )


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _turn(before: tuple[float, float], here: tuple[float, float], after: tuple[float, float]) -> str:
    """Degrees by which the line turns: to the right positive, to the left negative."""
    a, b, c = _cartesian(before), _cartesian(here), _cartesian(after)
    came, goes = _cross(b, a), _cross(c, b)
    came_length, goes_length = math.sqrt(_dot(came, came)), math.sqrt(_dot(goes, goes))
    if came_length < _SMALLEST or goes_length < _SMALLEST:
        return "NaN"
    cosine = _dot(came, goes) / came_length / goes_length
    if abs(cosine) > 1:
        return "0.000"
    side = _dot((b[0] - a[0], b[1] - a[1], b[2] - a[2]), goes)
    return f"{math.copysign(math.acos(cosine) / _QUARTER * 90.0, side):.3f}"
