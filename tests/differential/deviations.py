"""Where the project departs from the reference on purpose (docs/deviations.md): such a place, and no other, is excused.

What happened is noted while a query runs in this process; a difference in an answer for which something was noted says
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from osm3s.eval import derived_order, difference
from osm3s.eval.execution import Execution
from osm3s.eval.filters import area
from osm3s.eval.query_plan import QueryPlan
from osm3s.eval.spatial import AreaIndex
from osm3s.eval.statements import STATEMENTS
from osm3s.ffi.element_set import NODE, TYPES, WAY, ElementSet
from osm3s.output.derived import Derived
from osm3s.output.json import JsonWriter
from osm3s.ql.timestamps import seconds_of
from osm3s.ql.tree import Element

from .dataset import DataSet
from .deviations_in_time import RELATIONS, noted, times, watch_times
from .systems import Answer

ORDER = "order of derived objects with one id"
FIRST = "some objects of a set"
RINGS = "direction of rings"
LOOP = "out in a loop at the later time"
BOX = "box of a derived object in JSON"
CHANGING = {
    "geometry of another time",
    "members of another time in a box",
    "numbers outside of a box",
    "query for a set from outside",
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
    if judge.has_impossible_place and judged.without_places() == judge.without_places():
        return "impossible place"
    if BOX in noted and judged.without_brackets() == judge.without_brackets():
        return BOX
    if LOOP in noted and judged.errors != judge.errors:
        return LOOP
    for name in sorted(noted - {ORDER, FIRST, RINGS, BOX, LOOP}):
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
            noted.add(BOX)
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
        if element.get("type") in RELATIONS:
            for child in element.children:
                if child.name == "area-query" and execution.read(child.get("from")).count(WAY) > 1:
                    noted.add("relations in several closed ways")
        execute(execution, element)

    area._areas_of, STATEMENTS["query"] = noting_areas, noting_query


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
        add(set_, other, types)
        note(set_)

    def noting_equals(old: list[Derived], new: list[Derived]) -> tuple[list[Derived], list[Derived]]:
        if any(len(ds) > STABLE and len({str(derived_order.order_of(d)) for d in ds}) < len(ds) for ds in (old, new)):
            noted.add(ORDER)
        return unmatched(old, new)

    ElementSet.put_deriveds, ElementSet.add = noting_ids, noting_union  # type: ignore[assignment, method-assign]
    difference.unmatched = noting_equals


def _closed_ways_around_many_places() -> None:
    """Of many places at once, the reference loses some of the closed ways around them."""
    execute = STATEMENTS["coord-query"]

    def noting_ways(execution: Execution, element: Element) -> None:
        n_places = execution.read(element.get("from")).count(NODE)
        execute(execution, element)
        if n_places > 1 and execution.read(element.get("into")).count(WAY):
            noted.add("closed ways around many places")

    STATEMENTS["coord-query"] = noting_ways


def _out_in_a_loop() -> None:
    """In a difference, the reference knows only at the earlier time that an `out` is in a loop."""
    fail = Execution.fail

    def noting_fail(execution: Execution, text: str) -> None:
        if execution.difference is not None and execution.difference.is_second_run:
            noted.add(LOOP)
        fail(execution, text)

    Execution.fail = noting_fail  # type: ignore[method-assign]


def _tags_of_one_id() -> None:
    """Filters by tags keep, in the reference, all derived objects of an id of which one passes."""
    run_deriveds = QueryPlan.run_deriveds

    def noting_deriveds(plan: QueryPlan) -> ElementSet:
        ids = [derived.id for name in plan.input_sets for derived in plan.execution.read(name).deriveds]
        if plan.tags and len(set(ids)) < len(ids):
            noted.add("tags of derived objects with one id")
        return run_deriveds(plan)

    QueryPlan.run_deriveds = noting_deriveds  # type: ignore[method-assign]


def watch() -> None:
    """Note from now on."""
    watch_times()
    _order_of_one_id()
    _closed_ways_around_many_places()
    _area_filter()
    _out_in_a_loop()
    _tags_of_one_id()
    for name in ("foreach", "for"):
        _loop(name)
    _box_in_json()
