"""`( first - second ) -> .into;`: what the first statement results in and the second does not. Scopes: see union,
but the result of the first statement is visible to the second one under the name of the target.

Example: `(nwr(50,6,52,8);-way[highway](50,6,52,8););out ids;`
Cost: that of both statements; subtracting takes one pass over two sorted lists.
"""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.ffi.element_set import ElementSet
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    if not element.children:
        return
    outer, into = execution.sets, element.get("into")
    first, *second = element.children
    with execution.scope() as inner:
        execution.run([first])
        outer[into] = execution.read(first.result_set())  # which the second statement sees
        for member in second:
            execution.run([member])
            if member.result_set() == into and inner.own(into) is None:
                continue  # it is the result itself that was read: as in the reference, nothing is taken away
            result = (outer.own(into) or ElementSet()).copy()
            result.subtract(execution.read(member.result_set()))
            outer[into] = result
        inner.export(but=into)
