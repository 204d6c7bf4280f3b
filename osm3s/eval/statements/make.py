"""`make TYPE key = ...;`: one derived object with values of whole sets.

Example: `way(50,6,52,8);make town ::id=7,streets=count(ways),lit=set(t["lit"]),kinds=set(t["highway"]);out;`
Cost: each aggregator goes through its set once.
"""

from __future__ import annotations

from osm3s.eval.evaluators.preparation import nothing
from osm3s.eval.execution import Execution
from osm3s.eval.statements.assignments import Assignments
from osm3s.ffi.element_set import ElementSet
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    result = ElementSet()
    result.put_deriveds(Assignments(execution, element).derive(nothing()))
    execution.sets[element.get("into")] = result
