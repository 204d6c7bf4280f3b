"""Where the project departs from the reference on purpose (docs/deviations.md): such a place, and no other, is excused.

What happened is noted while a query runs in this process; a difference in an answer for which something was noted says
nothing.
"""

from __future__ import annotations

from osm3s.eval import recursion
from osm3s.eval.execution import Execution
from osm3s.eval.filters import area
from osm3s.eval.spatial import AreaIndex
from osm3s.eval.statements import STATEMENTS
from osm3s.ffi.element_set import RELATION, WAY, ElementSet
from osm3s.output.json import JsonWriter
from osm3s.ql.tree import Element

noted: set[str] = set()
"""By the query that runs; to be cleared before it."""


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
        if element.get("ref") or set_.areas:
            noted.add("areas and ways" if set_.count(WAY) else "stored areas")
        return areas_of(execution, element)

    area._areas_of = noting_areas


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
        if or_later:
            now = ElementSet()
            now.put_ids(element_type, into.ids(element_type))
            with execution.at(0):
                execution.snapshot.locate(now.rows(element_type), element_type)
            if _places(now, element_type) != _places(into, element_type):
                noted.add("nodes of later versions")

    recursion.member_rows = noting_rows


def _relations_at_a_date() -> None:
    """The reference keeps relations of which a member moved since with the former versions: `local` makes nothing of
    them, a box finds them where they are later, and in the order of places they come last."""
    for name in ("localize", "print", "foreach", "query"):
        _note_relations(name)


def _note_relations(name: str) -> None:
    execute = STATEMENTS[name]

    def noting(execution: Execution, element: Element) -> None:
        if execution.snapshot.time and _is_about_relations(execution, element):
            noted.add("relations at a date")
        execute(execution, element)

    STATEMENTS[name] = noting


def _is_about_relations(execution: Execution, element: Element) -> bool:
    if element.name == "query":
        boxes = execution.bbox is not None or any(child.name == "bbox-query" for child in element.children)
        return boxes and element.get("type") in ("relation", "nwr", "wr", "nr")
    by_place = element.name != "print" or element.get("order") == "quadtile"
    return by_place and execution.read(element.get("from")).count(RELATION) > 0


def _places(set_: ElementSet, element_type: int) -> list[tuple[int, int]]:
    rows = set_.rows(element_type)
    return [(rows.rows[i].block, rows.rows[i].slot) for i in range(rows.n)]


def watch() -> None:
    """Note from now on."""
    _area_filter()
    _nodes_of_later_versions()
    _relations_at_a_date()
    for name in ("foreach", "for"):
        _loop(name)
    _box_in_json()
