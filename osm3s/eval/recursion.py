"""From elements to those they consist of, and back. What the recursion statements and filters have in common."""

from __future__ import annotations

from typing import Any

from osm3s.eval.execution import Execution
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import NODE, RELATION, WAY, ElementSet
from osm3s.ql.normal_filters import positions_of
from osm3s.ql.tree import Element

WAYS_FAMILY = 2
MOST_COUNT = (1 << 64) - 1
LAST_POSITION = (1 << 31) - 1

_ALL = (NODE, WAY, RELATION)
RECURSION_TYPES: dict[str, tuple[int, ...]] = {
    "way-node": (NODE,),
    "way-count": (NODE,),
    "way-link": (NODE,),
    "relation-node": (NODE,),
    "relation-way": (WAY,),
    "relation-relation": (RELATION,),
    "relation-nwr": _ALL,
    "relation-nw": (NODE, WAY),
    "relation-wr": (WAY, RELATION),
    "relation-nr": (NODE, RELATION),
    "node-way": (WAY,),
    "node-relation": (RELATION,),
    "node-wr": (WAY, RELATION),
    "way-relation": (RELATION,),
    "relation-backwards": (RELATION,),
    "down": _ALL,
    "down-rel": _ALL,
    "up": _ALL,
    "up-rel": _ALL,
}
"""Types of the elements that each kind of recursion results in."""

_OWNED_TYPE = {"node-relation": NODE, "node-wr": NODE, "way-relation": WAY, "relation-backwards": RELATION}


# --- downwards ------------------------------------------------------------------------------------------------------


def way_nodes(execution: Execution, ways: ElementSet, positions: list[int], into: ElementSet) -> None:
    """Add the nodes of ways [at positions, 1-based, negative from the end]."""
    numbers = ffi.new("int32_t[]", positions) if positions else ffi.NULL
    found = ElementSet() if execution.snapshot.time else into
    check(
        lib.osm3s_nodes_of_ways(
            execution.snapshot.handle,
            execution.limits.handle,
            ways.rows(WAY),
            numbers,
            len(positions),
            found.rows(NODE),
        )
    )
    if found is not into:
        _take_present(execution, found, into)


def _take_present(execution: Execution, nodes: ElementSet, into: ElementSet) -> None:
    """Take over the nodes of ways, which have the places that these have, as far as they are there at the time."""
    if execution.sets.of_one_time:
        execution.snapshot.drop_later_nodes(nodes)
    else:  # the ways may be of another time
        nodes = execution.located(nodes.ids(NODE), NODE)
    into.take(nodes, (NODE,))


def member_rows(
    execution: Execution,
    relations: ElementSet,
    element_type: int,
    role: str | None,
    into: ElementSet,
    or_later: bool = False,
) -> None:
    """Add the members of one type [and role] of the relations of a set; those not in the database are left out.

    `or_later`: at a date also members that came later, for the sake of their places."""
    found = members_of(execution, relations, element_type, role)
    execution.snapshot.locate(found.rows(element_type), element_type, or_later)
    into.add(found, (element_type,))


def members_of(execution: Execution, relations: ElementSet, element_type: int, role: str | None = None) -> ElementSet:
    """The members of one type [and role] of the relations of a set, in the database or not, as unresolved rows."""
    found = ElementSet()
    text, kept = _text(role)
    check(
        lib.osm3s_members_of(
            execution.snapshot.handle,
            execution.limits.handle,
            relations.rows(RELATION),
            element_type,
            text,
            found.rows(element_type),
        )
    )
    del kept
    return found


def down(execution: Execution, start: ElementSet) -> ElementSet:
    """Nodes of the ways, nodes and ways of the relations, nodes of these ways."""
    result = ElementSet()
    if start.count(RELATION):
        member_rows(execution, start, NODE, None, result)
        member_rows(execution, start, WAY, None, result)
    ways = start
    if start.count(RELATION):
        ways = start.copy((WAY,))
        ways.add(result, (WAY,))
        if execution.snapshot.time:  # a way that came later had its nodes, as in the reference
            member_rows(execution, start, WAY, None, ways, or_later=True)
    if ways.count(WAY):
        way_nodes(execution, ways, [], result)
    return result


def down_rel(execution: Execution, start: ElementSet) -> ElementSet:
    """As `down`, from all relations that can be reached; these and the given ones are in the result."""
    closure = start.copy((WAY, RELATION))
    newest = start
    while newest.count(RELATION):
        found = ElementSet()
        member_rows(execution, newest, RELATION, None, found)
        found.subtract(closure)
        closure.add(found, (RELATION,))
        newest = found
    result = down(execution, closure)
    _add_relations(execution, closure, result)
    return result


def _add_relations(execution: Execution, given: ElementSet, into: ElementSet) -> None:
    """Add the relations of a set, in `retro` those that are there, as they are then."""
    of_one_time = execution.sets.of_one_time
    into.add(given if of_one_time else execution.located(given.ids(RELATION), RELATION), (RELATION,))


# --- upwards --------------------------------------------------------------------------------------------------------


def ways_of_nodes(execution: Execution, nodes: ElementSet, positions: list[int], into: ElementSet) -> None:
    """Add the ways that have a node of the set [at one of the positions]."""
    if not nodes.count(NODE):
        return
    snapshot = execution.snapshot
    if not execution.sets.of_one_time:  # where ways have them now
        nodes = execution.located(nodes.ids(NODE), NODE, or_later=True)
    box, n = ffi.new("osm3s_bbox *"), ffi.new("size_t *")
    check(lib.osm3s_rows_bbox(snapshot.handle, nodes.rows(NODE), NODE, box))
    blocks = ffi.new("uint32_t[]", snapshot.n_blocks(WAYS_FAMILY) + 1)
    check(lib.osm3s_select_blocks(snapshot.handle, WAYS_FAMILY, box, 1, blocks, n))
    snapshot.attach_attic(blocks, n[0])
    numbers = ffi.new("int32_t[]", positions) if positions else ffi.NULL
    check(
        lib.osm3s_ways_of_nodes(
            snapshot.handle,
            execution.limits.handle,
            blocks,
            n[0],
            nodes.rows(NODE),
            numbers,
            len(positions),
            into.rows(WAY),
        )
    )


def owner_relations(
    execution: Execution, members: ElementSet, member_type: int, role: str | None, into: ElementSet
) -> None:
    """Add the relations that have an element of the set, of one type, as a member [with the role]."""
    if not members.count(member_type):
        return
    snapshot, found = execution.snapshot, ElementSet()
    snapshot.owners(members.rows(member_type), member_type, found.rows(RELATION))
    snapshot.locate(found.rows(RELATION), RELATION)
    if role is None and not snapshot.time:
        into.add(found, (RELATION,))
        return
    kept = ElementSet()
    relations_with(execution, found, members, (member_type,), role, kept)
    into.add(kept, (RELATION,))


def relations_with(
    execution: Execution,
    relations: ElementSet,
    members: ElementSet,
    member_types: tuple[int, ...],
    role: str | None,
    into: ElementSet,
) -> None:
    """Add those of the relations that have a member in a set."""
    text, kept = _text(role)
    rows: list[Any] = [members.rows(t) if t in member_types else ffi.NULL for t in _ALL]
    check(
        lib.osm3s_relations_with(
            execution.snapshot.handle,
            execution.limits.handle,
            relations.rows(RELATION),
            *rows,
            text,
            into.rows(RELATION),
        )
    )
    del kept


def up(execution: Execution, start: ElementSet) -> ElementSet:
    """Ways of the nodes; relations of the nodes, the ways and these ways; the given relations."""
    result = _up_without_input(execution, start)
    _add_relations(execution, start, result)
    return result


def up_rel(execution: Execution, start: ElementSet) -> ElementSet:
    """As `up`, and all relations that contain these relations, at any depth."""
    return _relation_closure(execution, up(execution, start))


def _up_without_input(execution: Execution, start: ElementSet) -> ElementSet:
    result = ElementSet()
    ways_of_nodes(execution, start, [], result)
    owner_relations(execution, start, NODE, None, result)
    ways = start.copy((WAY,))
    ways.add(result, (WAY,))
    owner_relations(execution, ways, WAY, None, result)
    return result


def _relation_closure(execution: Execution, result: ElementSet) -> ElementSet:
    newest = result.copy((RELATION,))
    while newest.count(RELATION):
        found = ElementSet()
        owner_relations(execution, newest, RELATION, None, found)
        found.subtract(result)
        result.add(found, (RELATION,))
        newest = found
    return result


# --- recursion filters ----------------------------------------------------------------------------------------------


def recursion_rows(execution: Execution, element: Element, element_type: int, into: ElementSet) -> None:
    """Add the elements of one type that a recursion filter allows."""
    recursion = element.get("type")
    start = execution.read(element.get("from"))
    role = element.get("role") if element.get("role-restricted") == "yes" or element.get("role") else None
    positions = [max(-LAST_POSITION, min(LAST_POSITION, position)) for position in positions_of(element)]
    if recursion == "way-node":
        way_nodes(execution, start, positions, into)
    elif recursion in ("way-count", "way-link"):
        _nodes_by_way_count(execution, element, start, into)
    elif recursion.startswith("relation-") and recursion != "relation-backwards":
        member_rows(execution, start, element_type, role, into)
    elif recursion == "node-way" or (recursion == "node-wr" and element_type == WAY):
        ways_of_nodes(execution, start, positions, into)
    elif recursion in _OWNED_TYPE:
        owner_relations(execution, start, _OWNED_TYPE[recursion], role, into)
    elif recursion == "down":
        into.add(down(execution, start.copy((RELATION,))), (element_type,))  # the filter looks at relations only
    elif recursion == "down-rel":
        into.add(down_rel(execution, start.copy((RELATION,))), (element_type,))
    elif recursion == "up":
        into.add(_up_without_input(execution, start), (element_type,))
    elif recursion == "up-rel":
        into.add(up_rel(execution, start), (element_type,))


def _nodes_by_way_count(execution: Execution, element: Element, start: ElementSet, into: ElementSet) -> None:
    lower = int(element.get("lower") or 1)
    upper, found = int(element.get("upper") or MOST_COUNT), ElementSet()
    check(
        lib.osm3s_nodes_by_way_count(
            execution.snapshot.handle,
            execution.limits.handle,
            start.rows(WAY),
            element.get("type") == "way-link",
            lower,
            upper,
            found.rows(NODE),
        )
    )
    _take_present(execution, found, into)


def _text(role: str | None) -> tuple[Any, Any]:
    """A role for the core, and what keeps it alive."""
    if role is None:
        return ffi.NULL, None
    data = role.encode("utf-8", "surrogateescape")
    buffer = ffi.from_buffer("char[]", data)
    return ffi.new("osm3s_text *", {"text": buffer, "len": len(data)}), (buffer, data)
