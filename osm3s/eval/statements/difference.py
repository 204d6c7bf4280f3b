"""`( first - second ) -> .into;`: what the first statement results in and the second does not. Scopes: see union."""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.ffi.element_set import ElementSet
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    outer, into, result = execution.sets, element.get("into"), ElementSet()
    execution.sets = dict(outer)
    inner = execution.sets
    try:
        for position, member in enumerate(element.children):
            execution.run([member])
            produced = execution.read(member.get("into"))
            if position == 0:
                result = produced.copy()
            else:
                result.subtract(produced)
    finally:
        execution.sets = outer
    outer.update({name: set_ for name, set_ in inner.items() if name != into})
    outer[into] = result
