"""`if (...) { ... } else { ... }`: one of two branches. It has no scope of its own.

Example: `node[amenity=bench](50,6,52,8);if(count(nodes)>0){make found n=count(nodes);out;}else{make none;out;}`
Cost: that of the condition and of one branch.
"""

from __future__ import annotations

from osm3s.eval.evaluators.preparation import Preparation, nothing
from osm3s.eval.evaluators.values import is_true
from osm3s.eval.execution import Execution
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    criterion, body = element.evaluator(), element.body()
    names = [statement.name for statement in body]
    middle = names.index("else") if "else" in names else len(body)
    value = Preparation(execution).string_or_empty(criterion)(nothing())[0]
    chosen = body[:middle] if is_true(value) else body[middle:]
    for statement in chosen:
        execution.run(statement.children if statement.name == "else" else [statement])
