"""Where the project departs from the reference on purpose (docs/deviations.md): such a place, and no other, is excused.

What happened is noted while a query runs in this process; a difference in an answer for which something was noted says
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from osm3s.eval import derived_order, difference, localization, recursion
from osm3s.eval.differing import places_of_members
from osm3s.eval.execution import Execution
from osm3s.eval.filters import area
from osm3s.eval.spatial import AreaIndex, BBox
from osm3s.eval.statements import STATEMENTS
from osm3s.ffi.element_set import NODE, RELATION, TYPES, WAY, ElementSet
from osm3s.output.derived import Derived
from osm3s.output.json import JsonWriter
from osm3s.ql.timestamps import seconds_of
from osm3s.ql.tree import Element

from .dataset import DataSet
from .systems import Answer

noted: set[str] = set()
"""By the query that runs; to be cleared before it."""
ORDER = "order of derived objects with one id"
FIRST = "some objects of a set"
RINGS = "direction of rings"
CHANGING = {
    "box of a derived object in JSON",
    "geometry of another time",
    "members of another time in a box",
    "numbers outside of a box",
    "ways of another time",
    "two versions in one set",
    "relations at a date",
    "tags of vast relations at a date",
    "vast ways in boxes",
}
"""What these are about may also change how an element is told; of all others, only which elements are found."""
_FIRST = re.compile(r"\bout\b[^;]* [0-9]|limit=\"[0-9]")
standing = False
"""Whether a way of the data has a segment without extent: on a border, the reference takes it to be inside."""
one_form = False
"""Whether the query tells every element in one form: it prints once, and makes nothing, which might be called a way."""
YEAR_S = 365 * 86400
times: list[int] = []
"""Between the changes of the data, in seconds since 1970, 0 for now."""
_BOX = re.compile(r"\(-?[0-9.]+,|\[bbox|bbox-query|bbox=| n=\"[0-9-]")
_RINGS = re.compile(r"poly\(lstr|hull\(|eval-polygon|eval-hull")
_MAKES = re.compile(r"\b(make|convert)\b")
_OUT = re.compile(r"\bout\b[^:]|<print")
_SIDES = re.compile(r"[(:](-?[0-9]+\.[0-9]+),(-?[0-9]+\.[0-9]+),(-?[0-9]+\.[0-9]+),(-?[0-9]+\.[0-9]+)[)\]]")
_SIDE = re.compile(r"\b([swne])=\"(-?[0-9]+\.[0-9]+)\"")
_ROLE = re.compile(r"\((?:r|bn|bw|br)(?:\.\w+)?:|role=")
_DOWN = re.compile(r">>|\(r[.:)]|down-rel|relation-relation")
STABLE = 16
"""So many objects the reference's sort leaves in order if they are equal."""


def start(data: DataSet, query: str) -> None:
    """Note what is known before the query runs, and forget what was noted for another one."""
    global standing, one_form
    standing, one_form = data.standing, len(_OUT.findall(query)) == 1 and not _MAKES.search(query)
    noted.clear()
    times[:] = [0, *(seconds_of(change.timestamp) - years * YEAR_S for change in data.changes for years in (0, 1))]
    if _FIRST.search(query):
        noted.add(FIRST)
    if _RINGS.search(query):
        noted.add(RINGS)
    if data.polar and "around" in query:
        noted.add("around a pole")
    if not data.roles and _ROLE.search(query):
        noted.add("unknown role")
    if data.history and data.emptied and _DOWN.search(query):
        noted.add("emptied relations at a date")
    if data.vast and _BOX.search(query):
        noted.add("vast ways in boxes")
    if data.vast and data.history:
        noted.add("tags of vast relations at a date")
    if not data.sides_e7.isdisjoint(_borders_e7(query)):
        noted.add("border of a box")


def _borders_e7(query: str) -> set[tuple[str, int]]:
    """The sides of the boxes of a query: lat or lon, and where that is, in e-7 degrees."""
    sides = [(side, number) for box in _SIDES.findall(query) for side, number in zip("swne", box, strict=True)]
    return {
        ("lat" if side in "sn" else "lon", round(float(number) * 10**7))
        for side, number in [*sides, *_SIDE.findall(query)]
    }


def excuse(judged: Answer, judge: Answer) -> str | None:
    """The deviation that what differs between two answers may be; None if it is none."""
    if judge.has_impossible_place:
        return "impossible place"
    for name in sorted(noted - {ORDER, FIRST, RINGS}):
        if judged.errors == judge.errors and (not one_form or name in CHANGING or judged.tells_as(judge)):
            return name
    if noted >= {ORDER, FIRST}:
        return f"{ORDER}, {FIRST}"
    if RINGS in noted and judged.differs_in_corners(judge):
        return RINGS
    if noted & {ORDER, RINGS} and judged.without_order() == judge.without_order():
        return ORDER if ORDER in noted else RINGS
    return "repetitions" if judged.without_repetitions() == judge.without_repetitions() else None


def _loop(name: str) -> None:
    """The reference loops over the result set if the input set was never written."""
    execute = STATEMENTS[name]

    def noting_loop(execution: Execution, element: Element) -> None:
        if execution.sets.get(element.get("from")) is None and execution.sets.own(element.get("into")):
            noted.add("loop over a set that was never written")
        execute(execution, element)

    STATEMENTS[name] = noting_loop


def _box_in_json() -> None:
    """The reference prints the box of a derived object as a polygon of one flat ring."""
    execute = STATEMENTS["print"]

    def noting_box(execution: Execution, element: Element) -> None:
        if (
            element.get("geometry") == "bounds"
            and isinstance(execution.writer, JsonWriter)
            and execution.read(element.get("from")).deriveds
        ):
            noted.add("box of a derived object in JSON")
        execute(execution, element)

    STATEMENTS["print"] = noting_box


def _area_filter() -> None:
    """The reference takes closed ways of the set `_` for areas beside one named by its id, finds what is in an area and
    in a closed way of one set twice, and misses ways that run through a stored area."""
    areas_of = area._areas_of

    def noting_areas(execution: Execution, element: Element) -> AreaIndex:
        set_ = execution.read(element.get("from"))
        if standing and set_.count(WAY):
            noted.add("segments without extent")
        if element.get("ref") or set_.areas:
            noted.add("areas and ways" if set_.count(WAY) else "stored areas")
        return areas_of(execution, element)

    execute = STATEMENTS["query"]

    def noting_query(execution: Execution, element: Element) -> None:
        """Of several closed ways, the reference misses a relation with one member inside and one on a corner."""
        if element.get("type") in _RELATIONS:
            for child in element.children:
                if child.name == "area-query" and execution.read(child.get("from")).count(WAY) > 1:
                    noted.add("relations in several closed ways")
        execute(execution, element)

    area._areas_of, STATEMENTS["query"] = noting_areas, noting_query


def _nodes_of_later_versions() -> None:
    """At a date, the reference goes from a relation to the nodes of all versions that a way has had since then."""
    member_rows = recursion.member_rows

    def noting_rows(
        execution: Execution,
        relations: ElementSet,
        element_type: int,
        role: str | None,
        into: ElementSet,
        or_later: bool = False,
    ) -> None:
        member_rows(execution, relations, element_type, role, into, or_later)
        _note_members_from_outside(execution, into, element_type)
        if element_type == RELATION and execution.snapshot.time and _has_moved_members(execution, into):
            noted.add("relations at a date")
        if or_later:
            now = ElementSet()
            now.put_ids(element_type, into.ids(element_type))
            with execution.at(0):
                execution.snapshot.locate(now.rows(element_type), element_type)
            if _places(now, element_type) != _places(into, element_type):
                noted.add("nodes of later versions")

    take_present = recursion._take_present

    def noting_nodes(execution: Execution, nodes: ElementSet, into: ElementSet) -> None:
        take_present(execution, nodes, into)
        _note_members_from_outside(execution, into, NODE)

    recursion.member_rows, recursion._take_present = noting_rows, noting_nodes


def _note_members_from_outside(execution: Execution, members: ElementSet, element_type: int) -> None:
    """In `retro`, the reference misses members of what is from outside if they are elsewhere there."""
    scope = execution.sets.outer
    while scope is not None and element_type != RELATION:
        if scope.time_s != execution.snapshot.time:
            there = ElementSet()
            there.put_ids(element_type, members.ids(element_type))
            with execution.at(scope.time_s):
                execution.snapshot.locate(there.rows(element_type), element_type)
            if _places(there, element_type) != _places(members, element_type):
                noted.add("members of a set from outside")
        scope = scope.outer


def _relations_at_a_date() -> None:
    """The reference keeps relations of which a member moved since with the former versions: `local` makes nothing of
    them, a box finds them where they are later, and in the order of places they come last."""
    for name in ("localize", "print", "foreach", "convert", "query"):
        _note_relations(name)


def _note_relations(name: str) -> None:
    execute = STATEMENTS[name]

    def noting(execution: Execution, element: Element) -> None:
        if execution.snapshot.time and _is_about_relations(execution, element):
            noted.add("relations at a date")
        execute(execution, element)

    STATEMENTS[name] = noting


_PLACES = ("bbox-query", "around", "polygon-query")
_RELATIONS = ("relation", "nwr", "wr", "nr")


def _is_about_relations(execution: Execution, element: Element) -> bool:
    if element.name == "query":
        boxes = execution.bbox is not None or any(child.name in _PLACES for child in element.children)
        return boxes and element.get("type") in _RELATIONS
    by_place = element.name != "print" or element.get("order") == "quadtile"
    set_ = execution.read(element.get("from"))
    with execution.at(0):
        is_former = _is_of_another_time(execution, set_, RELATION)
    return by_place and (is_former or _has_moved_members(execution, set_))


def _has_moved_members(execution: Execution, relations: ElementSet) -> bool:
    """Whether a member is elsewhere now, or is not there."""
    for element_type in (NODE, WAY) if relations.count(RELATION) else ():
        then = places_of_members(execution, relations, element_type)
        with execution.at(0):
            if places_of_members(execution, relations, element_type) != then:
                return True
    return False


def _places(set_: ElementSet, element_type: int) -> list[tuple[int, int]]:
    rows = set_.rows(element_type)
    return [(rows.rows[i].block, rows.rows[i].slot) for i in range(rows.n)]


def _order_of_one_id() -> None:
    """The reference sorts derived objects by id, and if they are many, those with one id come in any order."""
    put_deriveds, add, unmatched = ElementSet.put_deriveds, ElementSet.add, difference.unmatched

    def note(set_: ElementSet) -> None:
        if len(set_.deriveds) > STABLE and len({derived.id for derived in set_.deriveds}) < len(set_.deriveds):
            noted.add(ORDER)

    def noting_ids(set_: ElementSet, deriveds: Iterable[Any]) -> None:
        put_deriveds(set_, deriveds)
        note(set_)

    def noting_union(set_: ElementSet, other: ElementSet, types: Iterable[int] = TYPES) -> None:
        if _retros and any(_have_other_versions(set_, other, element_type) for element_type in TYPES):
            noted.add("two versions in one set")
        add(set_, other, types)
        note(set_)

    def noting_equals(old: list[Derived], new: list[Derived]) -> tuple[list[Derived], list[Derived]]:
        if any(len(ds) > STABLE and len({str(derived_order.order_of(d)) for d in ds}) < len(ds) for ds in (old, new)):
            noted.add(ORDER)
        return unmatched(old, new)

    ElementSet.put_deriveds, ElementSet.add = noting_ids, noting_union  # type: ignore[assignment, method-assign]
    difference.unmatched = noting_equals


_retros: list[Element] = []
"""Those that run."""


def _retro() -> None:
    """The reference prints a set from outside with the geometry that its elements had at the other time, or none, and
    `local` makes pieces of ways of which nothing was there."""
    execute, print_, localize = STATEMENTS["retro"], STATEMENTS["print"], STATEMENTS["localize"]

    def noting_retro(execution: Execution, element: Element) -> None:
        _retros.append(element)
        try:
            execute(execution, element)
        finally:
            _retros.pop()

    def note_other_times(execution: Execution, element: Element) -> None:
        set_ = execution.read(element.get("from"))
        if _retros and any(_is_of_another_time(execution, set_, element_type) for element_type in (WAY, RELATION)):
            noted.add("geometry of another time")

    def noting_print(execution: Execution, element: Element) -> None:
        if element.get("geometry") != "skeleton":
            note_other_times(execution, element)
        print_(execution, element)

    def noting_localize(execution: Execution, element: Element) -> None:
        note_other_times(execution, element)
        localize(execution, element)

    STATEMENTS.update({"retro": noting_retro, "print": noting_print, "localize": noting_localize})


def _have_other_versions(one: ElementSet, other: ElementSet, element_type: int) -> bool:
    """Whether an element of both sets is not the same in them."""
    of_one, of_other = (
        dict(zip(set_.ids(element_type), _places(set_, element_type), strict=True)) for set_ in (one, other)
    )
    return any(of_other.get(number, place) != place for number, place in of_one.items())


def _is_of_another_time(execution: Execution, set_: ElementSet, element_type: int) -> bool:
    """Whether not all elements of a set are as they are at the time that is asked about."""
    present = ElementSet()
    present.put_ids(element_type, set_.ids(element_type))
    execution.snapshot.locate(present.rows(element_type), element_type)
    return _places(present, element_type) != _places(set_, element_type)


def _ways_of_another_time() -> None:
    """At a date, the reference goes from a node to ways that come to have it later, and counts them for `local`; and
    from a relation to relations that come to have it later."""
    init, up, closure = localization.Localization.__init__, recursion._up_without_input, recursion._relation_closure

    def noting_init(self: localization.Localization, execution: Execution, set_: ElementSet, box: BBox | None) -> None:
        init(self, execution, set_, box)
        if any(self.position(node) is None for node in self.local_ids):
            noted.add("numbers outside of a box")
        _compare_ways(execution, set(self._positions), set(self._refs))

    def noting_up(execution: Execution, start: ElementSet) -> ElementSet:
        then = up(execution, start)
        for seconds in times if execution.snapshot.time else ():
            located = ElementSet()
            for element_type in TYPES:
                located.put_ids(element_type, start.ids(element_type))
            with execution.at(seconds):
                for element_type in TYPES:
                    execution.snapshot.locate(located.rows(element_type), element_type)
                found = up(execution, located)
            if any(set(found.ids(owner)) - set(then.ids(owner)) for owner in (WAY, RELATION)):
                noted.add("owners of another time")
        return then

    def noting_closure(execution: Execution, result: ElementSet) -> ElementSet:
        start = set(result.ids(RELATION))
        then = closure(execution, result)
        if execution.snapshot.time and _has_moved_members(execution, then):
            noted.add("relations at a date")
        for seconds in times if execution.snapshot.time else ():
            located = ElementSet()
            located.put_ids(RELATION, start)
            with execution.at(seconds):
                execution.snapshot.locate(located.rows(RELATION), RELATION)
                if set(closure(execution, located).ids(RELATION)) - set(then.ids(RELATION)):
                    noted.add("relations of another time")
        return then

    localization.Localization.__init__ = noting_init  # type: ignore[method-assign]
    recursion._up_without_input, recursion._relation_closure = noting_up, noting_closure


def _compare_ways(execution: Execution, nodes: set[int], then: set[int]) -> None:
    """Note if there is ever a way that has one of the nodes, and did not at the time that is asked about."""
    for seconds in times if execution.snapshot.time else ():
        located, touching = ElementSet(), ElementSet()
        located.put_ids(NODE, nodes)
        with execution.at(seconds):
            execution.snapshot.locate(located.rows(NODE), NODE)
            recursion.ways_of_nodes(execution, located, [], touching)
        if set(touching.ids(WAY)) - then:
            noted.add("ways of another time")


def _members_in_a_box() -> None:
    """At a date, the reference shows members of relations in a box also where they come to be later."""
    print_ = STATEMENTS["print"]

    def noting_print(execution: Execution, element: Element) -> None:
        in_past, set_ = execution.snapshot.time, execution.read(element.get("from"))
        if in_past and element.get("n") and _has_moved_members(execution, set_):
            noted.add("members of another time in a box")
        print_(execution, element)

    STATEMENTS["print"] = noting_print


def _closed_ways_around_many_places() -> None:
    """Of many places at once, the reference loses some of the closed ways around them."""
    execute = STATEMENTS["coord-query"]

    def noting_ways(execution: Execution, element: Element) -> None:
        n_places = execution.read(element.get("from")).count(NODE)
        execute(execution, element)
        if n_places > 1 and execution.read(element.get("into")).count(WAY):
            noted.add("closed ways around many places")

    STATEMENTS["coord-query"] = noting_ways


def watch() -> None:
    """Note from now on."""
    _order_of_one_id()
    _retro()
    _ways_of_another_time()
    _members_in_a_box()
    _closed_ways_around_many_places()
    _area_filter()
    _nodes_of_later_versions()
    _relations_at_a_date()
    for name in ("foreach", "for"):
        _loop(name)
    _box_in_json()
