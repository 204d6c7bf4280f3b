"""The reference's verdicts, messages and translations of some thousand queries, all of which must be met."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osm3s import ql
from osm3s.ql.batch import answer
from osm3s.ql.request import from_console

KNOWN_FAILURES: dict[str, list[str]] = {"parse": [], "parse-errors": [], "ql-conversion": []}
"""Cases that are allowed to fail, by family; one that begins to pass must leave the list."""

PRINTERS = {"xml": ql.to_xml, "pretty-ql": ql.to_pretty_ql, "compact-ql": ql.to_compact_ql}


def cases(shared_dir: Path, family: str) -> Iterator[dict[str, Any]]:
    with gzip.open(shared_dir / "conformance" / "cases" / f"{family}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def passes(case: dict[str, Any]) -> bool:
    if case["kind"] == "translate":
        root, _ = ql.read(from_console(case["query"]), check=False)
        return PRINTERS[case["to"]](root) == case["expected"]
    expected = case["expected"]
    found = answer(case["query"])
    keys = ("ok", "xml", "compact") if expected["ok"] else ("ok", "errors")
    return all(found.get(key) == expected.get(key) for key in keys)


@pytest.mark.parametrize("family", KNOWN_FAILURES)
def test_family(shared_dir: Path, family: str) -> None:
    checked = 0
    failed = []
    for case in cases(shared_dir, family):
        checked += 1
        if not passes(case):
            failed.append(case["id"])
    assert checked > 100
    assert failed == KNOWN_FAILURES[family]


def test_queries_of_all_executed_cases_are_accepted(shared_dir: Path) -> None:
    """With all checks on, no query that the reference executes without an error is rejected."""
    checked = 0
    for family in ("statements", "andorra", "vienna", "real-extract", "attic", "liechtenstein-2024"):
        for case in cases(shared_dir, family):
            if any("static error" in error or "parse error" in error for error in case.get("errors", [])):
                continue
            for query in case.get("queries") or [case["query"]]:
                ql.parse(from_console(query))
                checked += 1
    assert checked > 1000
