"""What is printed of a query and read again is printed the same again, for all that can be read again.

The reference prints some evaluators so that it does not understand them itself (`t[""k""]`, for instance), and we print
what it prints; such a translation is not a query any more.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from osm3s import ql
from osm3s.errors import QueryRejected

from .test_conformance import cases

QL_ODDITIES = ("eval-", "set-prop", "user", "item", "query", "recurse")
"""Elements of which the reference's QL may not be QL."""


def round_trip(printer: Callable[[ql.Script], str], script: ql.Script) -> tuple[str, str]:
    """Printed once and read; printed from that. Raises QueryRejected."""
    again = ql.parse(printer(script))
    first = printer(again)
    return first, printer(ql.parse(first))


@pytest.mark.parametrize("printer", [ql.to_xml, ql.to_compact_ql, ql.to_pretty_ql], ids=["xml", "compact", "pretty"])
def test_translations_are_stable(shared_dir: Path, printer: Callable[[ql.Script], str]) -> None:
    stable = 0
    for case in cases(shared_dir, "parse"):
        try:
            script = ql.parse(case["query"])
        except QueryRejected:
            continue
        try:
            first, second = round_trip(printer, script)
        except QueryRejected as rejected:
            odd = any(element.name.startswith(QL_ODDITIES) for element in script.walk())
            assert odd or script.get("output-config"), (case["id"], str(rejected))
            continue
        assert first == second, case["id"]
        stable += 1
    assert stable > 3500
