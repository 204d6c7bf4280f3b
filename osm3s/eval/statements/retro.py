"""`retro (time) { ... }`: the statements inside see the map as it was at a time. What they write into sets is
lost; sets from outside stay what they were, but queries and recursion find their elements as they were then.

Example: `retro("2020-01-01T12:00:00Z"){node(3);out meta;}`
Cost: as under a date: what has changed since is looked up in the superseded versions of the same blocks.
"""

from __future__ import annotations

from osm3s.eval.evaluators.preparation import Preparation, nothing
from osm3s.eval.execution import Execution, require_history
from osm3s.ql.timestamps import seconds_of
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    date = Preparation(execution).string_or_empty(element.evaluator())(nothing())[0]
    try:
        seconds = seconds_of(date)
    except ValueError:
        return
    require_history(execution.snapshot)
    with execution.at(seconds), execution.scope():
        execution.run(element.body())
