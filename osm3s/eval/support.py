"""What of the language is not executed yet. Such a query is rejected before it runs: better no answer than a wrong one.

A word leaves this file when its module in `statements/` or `filters/` is complete.
"""

from __future__ import annotations

from collections.abc import Iterator

from osm3s.errors import Message, QueryForbidden, QueryRejected
from osm3s.eval.evaluators import EVALUATORS
from osm3s.eval.filters import FILTERS
from osm3s.eval.statements import STATEMENTS
from osm3s.eval.statements.make_area import NEEDS_RULES
from osm3s.eval.statements.query import QUERY_TYPES
from osm3s.ql.tree import Element


def check(script: Element) -> None:
    """Raise QueryRejected with a static error for every part that cannot be executed."""
    messages = [
        Message("static error", line, f"{what} is not available on this server yet.")
        for line, what in _unavailable(script, script.children)
    ]
    if messages:
        raise QueryRejected(messages)


def check_allowed(script: Element) -> None:
    """Raise QueryForbidden if there is something in the script that only runs of rules may do."""
    if makes_areas(script):
        raise QueryForbidden(NEEDS_RULES)


def makes_areas(script: Element) -> bool:
    return any(element.name == "make-area" for element in script.walk())


def _unavailable(parent: Element, children: list[Element]) -> Iterator[tuple[int, str]]:
    known = FILTERS if parent.name == "query" else STATEMENTS
    for child in children:
        if child.name.startswith("eval-"):
            if child.name not in EVALUATORS:
                yield child.line, f'The evaluator "{child.name}"'
            yield from _unavailable(child, child.children)
        elif child.name in ("set-prop", "else"):
            yield from _unavailable(child, child.children)
        elif child.name not in known:
            kind = "filter" if parent.name == "query" else "statement"
            yield child.line, f'The {kind} "{child.name}"'
        elif child.name == "query" and child.get("type") not in QUERY_TYPES:
            yield child.line, f'A query for the type "{child.get("type")}"'
        else:
            yield from _unavailable(child, child.children)
