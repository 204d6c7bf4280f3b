"""`convert TYPE key = ...;`: a derived object for each element of a set.

Example: `way(12);convert street ::id=id(),::=::,!maxspeed,nodes=count_members();out;`
Cost: a few microseconds for each element and assignment.
"""

from __future__ import annotations

from osm3s.eval.batch import batches, prepare
from osm3s.eval.execution import Execution
from osm3s.eval.items import Items
from osm3s.eval.statements.assignments import Assignments
from osm3s.ffi.element_set import ElementSet
from osm3s.output.derived import Derived
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    set_, result = execution.read(element.get("from")), ElementSet()
    assignments = Assignments(execution, element)
    prepare(execution, set_, assignments.reads_tags, assignments.reads_meta)
    made: list[Derived] = []
    with execution.holding(result):
        for batch in batches(execution, set_, quadtile=True, time_s=execution.sets.time_of(element.get("from"))):
            made += assignments.derive(Items(batch))
            result.deriveds = made
    result.put_deriveds(made)
    execution.sets[element.get("into")] = result
