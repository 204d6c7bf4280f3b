"""Where the project departs from the reference on purpose at dates and in `retro` (docs/deviations.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from osm3s.eval import localization, recursion
from osm3s.eval.differing import places_of_members
from osm3s.eval.evaluators.preparation import Preparation
from osm3s.eval.execution import Execution
from osm3s.eval.filters import FILTERS
from osm3s.eval.filters import recurse as recurse_filter
from osm3s.eval.items import Items
from osm3s.eval.query_plan import QueryPlan
from osm3s.eval.spatial import BBox
from osm3s.eval.statements import STATEMENTS
from osm3s.ffi.element_set import NODE, RELATION, TYPES, WAY, ElementSet
from osm3s.ql.tree import Element

noted: set[str] = set()
"""What happened while a query ran, here and in `deviations.py`; to be cleared before it."""
times: list[int] = []
"""Between the changes of the data, in seconds since 1970, 0 for now."""
RELATIONS = ("relation", "nwr", "wr", "nr")


def watch_times() -> None:
    """Note from now on."""
    _two_versions()
    _retro()
    _ways_of_another_time()
    _members_in_a_box()
    _nodes_of_later_versions()
    _relations_at_a_date()
    _sets_from_outside()


def _two_versions() -> None:
    """The reference has an element of a set from outside beside the one that was there."""
    add = ElementSet.add

    def noting_union(set_: ElementSet, other: ElementSet, types: Iterable[int] = TYPES) -> None:
        if _retros and any(_have_other_versions(set_, other, element_type) for element_type in TYPES):
            noted.add("two versions in one set")
        add(set_, other, types)

    ElementSet.add = noting_union  # type: ignore[method-assign]


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


_from_outside = False
"""Whether what is from a set from outside is looked for, in `retro`."""


def _is_from_outside(execution: Execution, name: str) -> bool:
    """Whether a set was made at another time, or has elements that are not as they are at this one."""
    if execution.sets.of_one_time:
        return False
    set_ = execution.read(name)
    return execution.sets.time_of(name) != execution.snapshot.time or _is_other(execution, set_)


def _is_other(execution: Execution, set_: ElementSet) -> bool:
    return any(_is_of_another_time(execution, set_, element_type) for element_type in TYPES)


def _sets_from_outside() -> None:
    """In `retro`, the reference mixes an element of a set from outside with its version then, if a query asks for it,
    and finds neither members nor owners that are elsewhere there."""
    item, recursion_rows, recurse = FILTERS["item"], recurse_filter.recursion_rows, STATEMENTS["recurse"]

    def noting_item(plan: QueryPlan, element: Element) -> None:
        execution, name = plan.execution, element.attrs.get("set") or element.get("from")
        if _is_from_outside(execution, name):
            set_ = execution.read(name)
            moved = _has_members_elsewhere(execution, set_, execution.sets.time_of(name))
            if moved or _is_other(execution, set_):
                noted.add("query for a set from outside")
        item(plan, element)

    def noting_rows(execution: Execution, element: Element, element_type: int, into: ElementSet) -> None:
        with _noting_members(execution, element):
            recursion_rows(execution, element, element_type, into)

    def noting_recurse(execution: Execution, element: Element) -> None:
        with _noting_members(execution, element):
            recurse(execution, element)

    FILTERS["item"], recurse_filter.recursion_rows, STATEMENTS["recurse"] = noting_item, noting_rows, noting_recurse


@contextmanager
def _noting_members(execution: Execution, element: Element) -> Iterator[None]:
    global _from_outside
    _from_outside = _is_from_outside(execution, element.get("from"))
    set_ = execution.read(element.get("from"))
    if _from_outside and _is_other(execution, set_):
        noted.add("members of a set from outside")
        if _is_of_another_time(execution, set_, RELATION):  # `<`, `<<` and `>>` find the given ones, too
            noted.add("query for a set from outside")
    try:
        yield
    finally:
        _from_outside = False


def _note_members_from_outside(execution: Execution, members: ElementSet, element_type: int) -> None:
    """In `retro`, the reference misses members of what is from outside if they are elsewhere there."""
    scope = execution.sets.outer if _from_outside else None
    while scope is not None and element_type != RELATION:
        if scope.time_s != execution.snapshot.time:
            with execution.at(scope.time_s):
                there = execution.located(members.ids(element_type), element_type)
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


def _is_about_relations(execution: Execution, element: Element) -> bool:
    if element.name == "query":
        boxes = execution.bbox is not None or any(child.name in _PLACES for child in element.children)
        return boxes and element.get("type") in RELATIONS
    by_place = element.name != "print" or element.get("order") == "quadtile"
    return by_place and _have_moved(execution, execution.read(element.get("from")))


def _have_moved(execution: Execution, relations: ElementSet) -> bool:
    """Whether they are others now, or their members are elsewhere."""
    with execution.at(0):
        is_former = _is_of_another_time(execution, relations, RELATION)
    return is_former or _has_moved_members(execution, relations)


def _has_moved_members(execution: Execution, relations: ElementSet) -> bool:
    """Whether a member is elsewhere now, or is not there."""
    return _has_members_elsewhere(execution, relations, 0)


def _has_members_elsewhere(execution: Execution, relations: ElementSet, at_s: int) -> bool:
    """Whether a member is elsewhere at a time, or is not there."""
    for element_type in (NODE, WAY) if relations.count(RELATION) else ():
        here = places_of_members(execution, relations, element_type)
        with execution.at(at_s):
            if places_of_members(execution, relations, element_type) != here:
                return True
    return False


def _places(set_: ElementSet, element_type: int) -> list[tuple[int, int]]:
    rows = set_.rows(element_type)
    return [(rows.rows[i].block, rows.rows[i].slot) for i in range(rows.n)]


_retros: list[Element] = []
"""Those that run, and bodies of compare."""


def _retro() -> None:
    """The reference tells a set from outside with the geometry that its elements had at the other time, or none, finds
    around such ones otherwise, and `local` makes pieces of ways of which nothing was there."""
    execute, compare, print_ = STATEMENTS["retro"], STATEMENTS["compare"], STATEMENTS["print"]
    items_of, around = Preparation.items_of, FILTERS["around"]

    def noting_retro(execution: Execution, element: Element) -> None:
        _retros.append(element)
        try:
            execute(execution, element)
        finally:
            _retros.pop()

    def noting_print(execution: Execution, element: Element) -> None:
        if element.get("geometry") != "skeleton":
            _note_other_times(execution, element.get("from"))
        print_(execution, element)

    def noting_statement(name: str) -> None:
        statement = STATEMENTS[name]

        def noting(execution: Execution, element: Element) -> None:
            _note_other_times(execution, element.get("from"))
            statement(execution, element)

        STATEMENTS[name] = noting

    def noting_items(
        preparation: Preparation, set_name: str, evaluator: Element, quadtile: bool = False
    ) -> Iterator[Items]:
        execution = preparation.execution
        _note_other_times(execution, set_name)
        if quadtile and execution.snapshot.time and _have_moved(execution, execution.read(set_name)):
            noted.add("relations at a date")
        return items_of(preparation, set_name, evaluator, quadtile)

    def noting_around(plan: QueryPlan, element: Element) -> None:
        _note_other_times(plan.execution, element.get("from"), "around a set from outside")
        around(plan, element)

    def noting_compare(execution: Execution, element: Element) -> None:
        _retros.extend([element] if element.body() else [])  # its body runs at two times
        try:
            compare(execution, element)
        finally:
            del _retros[len(_retros) - bool(element.body()) :]

    STATEMENTS.update({"retro": noting_retro, "compare": noting_compare, "print": noting_print})
    for name in ("localize", "convert", "for"):
        noting_statement(name)
    Preparation.items_of = noting_items  # type: ignore[method-assign]
    FILTERS["around"] = noting_around


def _note_other_times(execution: Execution, name: str, as_: str = "geometry of another time") -> None:
    """Note that a set from outside is used, some of whose elements have another geometry at the time in question."""
    set_ = execution.read(name)
    if _retros and (
        any(_is_of_another_time(execution, set_, element_type) for element_type in (WAY, RELATION))
        or _has_members_elsewhere(execution, set_, execution.sets.time_of(name))
    ):
        noted.add(as_)


def _have_other_versions(one: ElementSet, other: ElementSet, element_type: int) -> bool:
    """Whether an element of both sets is not the same in them."""
    of_one, of_other = (
        dict(zip(set_.ids(element_type), _places(set_, element_type), strict=True)) for set_ in (one, other)
    )
    return any(of_other.get(number, place) != place for number, place in of_one.items())


def _is_of_another_time(execution: Execution, set_: ElementSet, element_type: int) -> bool:
    """Whether not all elements of a set are as they are at the time that is asked about."""
    present = execution.located(set_.ids(element_type), element_type)
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
