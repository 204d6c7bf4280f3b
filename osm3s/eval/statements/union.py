"""`( statement* ) -> .into;`: everything that one of the statements results in.

The statements run in a scope of their own, which starts with the sets of the outer one. Afterwards all sets written in
it are visible outside, but for the one named like the target. Inside of another block, a union of nothing but sets that
were never written leaves a target from further outside as it is.

Example: `(node(5);way(12);>;);out ids;`
Cost: that of the statements; adding takes one pass over sorted lists.
"""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.ffi.element_set import ElementSet
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    outer, into, result = execution.sets, element.get("into"), ElementSet()
    is_written = outer.outer is None or outer.own(into) is not None
    with execution.scope() as inner, execution.holding(result):
        inner[into] = execution.read(into)
        if is_written:
            outer[into] = ElementSet()
        for member in element.children:
            execution.run([member])
            found = inner.get(member.result_set())
            if found is not None:
                result.add(found)
                is_written = True
            outer.forget_group(member.result_set())
        inner.export(but=into)
    if is_written:
        outer[into] = result
