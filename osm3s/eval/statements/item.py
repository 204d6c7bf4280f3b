"""`.from -> .into;`: a copy of a set under another name."""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    if element.attrs.get("set"):  # the legacy form of XML names the set once
        execution.sets[element.get("set")] = execution.read(element.get("set"))
        return
    execution.sets[element.get("into")] = execution.read(element.get("from"))
