"""`( statement* ) -> .into;`: everything that one of the statements results in.

The statements run in a scope of their own, which starts with the sets of the outer one. Afterwards all sets written in
it are visible outside, but for the one named like the target.
"""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.ffi.element_set import ElementSet
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    outer, into, result = execution.sets, element.get("into"), ElementSet()
    execution.sets = dict(outer)
    inner = execution.sets
    try:
        for member in element.children:
            execution.run([member])
            result.add(execution.read(member.get("into")))
    finally:
        execution.sets = outer
    outer.update({name: set_ for name, set_ in inner.items() if name != into})
    outer[into] = result
