"""Where the project departs from the reference on purpose (docs/deviations.md): such a place, and no other, is excused.

What happened is noted while a query runs in this process; a difference in an answer for which something was noted says
nothing.
"""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.eval.statements import STATEMENTS
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


def watch() -> None:
    """Note from now on."""
    for name in ("foreach", "for"):
        _loop(name)
    _box_in_json()
