"""`.from -> .into;`: a copy of a set under another name.

Example: `way(12)->.a;.a->.b;.b out ids;`
Cost: a copy of the set.
"""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    if element.input_set() != element.result_set():
        execution.sets[element.result_set()] = execution.read(element.input_set())
