"""The benchmark's questions about the past and their tables. Nothing here looks at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.databases import Ours, Reference
from bench.dated import CHANGES, DATE, DATED, LAST, ROUNDS, SINCE, UNTIL, _in_turn, dated, measure_dated
from bench.dated_table import dated_tables
from bench.diff import DIFFS
from bench.http_client import HttpError
from bench.measure import CommandFailed
from bench.places import PLACES
from bench.queries import Query, read_queries
from osm3s import ql

ANSWER = '<?xml version="1.0"?>\n<osm version="0.6">\n<note>n</note>\n\n  <node id="1"/>\n{}\n</osm>\n'


class Client:
    """Answers every query and remembers it."""

    def __init__(self, refused: str = "") -> None:
        self.asked: list[str] = []
        self.refused = refused

    def query(self, text: str, sink: Callable[[bytes], Any] | None = None) -> int:
        self.asked.append(text)
        if self.refused and self.refused in text:
            raise HttpError("504 too late\nmore about it")
        if sink is not None:
            sink(ANSWER.format("").encode())
        return 1


class Served(Ours):
    client = Client()

    @contextmanager
    def serving(self, log: Path) -> Iterator[Any]:
        yield self.client


class Asked(Reference):
    def run_query(self, text: str, output: Path) -> float:
        if "adiff" in text:
            raise CommandFailed("osm3s_query: exit code 2\nand more")
        output.write_text(ANSWER.format('  <node id="2"/>' if "newer" in text else ""))
        return 0.5


def test_all_questions_can_be_asked() -> None:
    queries = {query.name: query for query in read_queries(PLACES["small"])}
    assert set(DATED) <= set(queries)
    for name in DATED:
        assert ql.parse(dated(queries[name].text)).attrs["date"] == DATE
    for text in CHANGES.values():
        ql.parse(text)
    assert DATE < SINCE < UNTIL < LAST


def test_the_minute_is_that_of_a_diff_in_few_places() -> None:
    clustered = next(number for name, number, _ in DIFFS if name == "clustered 1")
    assert SINCE < f"2026-06-01T00:{clustered:02}:00Z" <= UNTIL


def test_the_first_run_does_not_count() -> None:
    calls = {"one": 0, "other": 0}

    def ask(name: str) -> float:
        calls[name] += 1
        return float(calls[name])

    runs = _in_turn({"one": lambda: ask("one"), "other": lambda: ask("other")})
    assert runs["one"] == runs["other"] == [float(number) for number in range(2, ROUNDS + 2)]


def test_a_failure_ends_the_rounds() -> None:
    def fails() -> float:
        raise HttpError("504 too late\nmore")

    assert _in_turn({"one": lambda: 1.0, "other": fails}) == {"failed": "failed: 504 too late"}


def test_both_sides_are_asked_about_changes_and_ours_about_dates(tmp_path: Path) -> None:
    queries = [Query("city_tag", "small", "", "node;out;"), Query("recurse_up", "free", "", "out;")]
    ours, reference = Served(tmp_path / "ours"), Asked(tmp_path, tmp_path / "theirs")
    report = measure_dated([ours, reference], queries, tmp_path)
    assert [row["name"] for row in report["dated"]] == ["city_tag"]
    assert len(report["dated"][0]["dated"]) == ROUNDS
    assert dated("node;out;") in ours.client.asked and dated("out;") not in ours.client.asked
    rows = {row["name"]: row for row in report["changes"]}
    assert list(rows) == list(CHANGES)
    assert rows["adiff"]["failed"] == "failed: osm3s_query: exit code 2" and rows["adiff"]["elements"] == 1
    assert rows["changed"]["answers"] == "same" and rows["newer"]["answers"] == "1 elements instead of 2"
    assert rows["changed"]["reference"] == [0.5] * ROUNDS and len(rows["changed"]["ours"]) == ROUNDS


def test_without_ours_nothing_is_asked(tmp_path: Path) -> None:
    assert measure_dated([Asked(tmp_path, tmp_path)], [], tmp_path) == {"dated": [], "changes": []}


def test_tables() -> None:
    text = dated_tables(
        {
            "dated": [
                {"name": "quick", "undated": [0.002, 0.004], "dated": [0.009, 0.003]},
                {"name": "slow", "undated": [0.002], "dated": [0.005]},
                {"name": "broken", "failed": "failed: 504"},
            ],
            "changes": [
                {"name": "adiff", "elements": 8060, "ours": [0.1], "reference": [1.2, 1.1], "answers": "same"},
                {"name": "changed", "elements": 6030, "ours": [0.02], "reference": [0.026], "answers": "same"},
                {"name": "newer", "elements": 6020, "ours": [0.02]},
                {"name": "diff", "failed": "failed: osm3s_query: exit code 2"},
            ],
        }
    )
    rows = [re.split(r" *\| *", line.strip("| ")) for line in text.splitlines() if line.startswith("| ")]
    cells = {row[0]: row[1:] for row in rows}
    assert cells["quick"][-2:] == ["1.50", "pass"] and cells["slow"][-2:] == ["2.50", "miss"]
    assert "failed: 504" in cells["broken"]
    assert "11 x" in cells["adiff"] and "pass" in cells["adiff"] and "8,060" in cells["adiff"]
    assert "1.3 x" in cells["changed"] and "miss" in cells["changed"]
    assert "pass" not in cells["newer"] and "miss" not in cells["newer"]
    assert "failed: osm3s_query: exit code 2" in cells["diff"]


@pytest.mark.parametrize("text", ["[out:json];node(1);out;", "node(1);out;"])
def test_a_date_goes_before_all_other_settings(text: str) -> None:
    assert ql.parse(dated(text)).attrs["date"] == DATE
