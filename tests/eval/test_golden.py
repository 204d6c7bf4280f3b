"""One query or more for each word of the language, judged by the reference."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from golden_map import golden, make, run

from osm3s.eval.evaluators import EVALUATORS
from osm3s.eval.filters import FILTERS
from osm3s.eval.statements import STATEMENTS
from osm3s.ql import parse
from osm3s.storage.snapshot import Snapshot


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    with make(tmp_path_factory.mktemp("golden") / "db") as opened:
        yield opened


@pytest.mark.parametrize(("query", "body"), golden(), ids=lambda text: text[:60])
def test_answer_is_that_of_the_reference(snapshot: Snapshot, query: str, body: str) -> None:
    assert run(snapshot, query) == body


ELSEWHERE = {
    *("area-query", "pivot", "coord-query", "map-to-area", "make-area"),
    *("changed", "timeline", "retro", "compare"),
    "has-kv",
}
"""Words that need areas or history have tests of their own; has-kv as a statement does nothing."""


def test_every_word_is_in_a_golden_query() -> None:
    elements = [element for query, _ in golden() for element in parse(query).walk()]
    used = {element.name for element in elements}
    filters = {child.name for element in elements if element.name == "query" for child in element.children}
    assert used >= EVALUATORS
    assert used >= set(STATEMENTS) - ELSEWHERE
    assert filters >= set(FILTERS) - ELSEWHERE
    recursions = {element.get("type") for element in elements if element.name == "recurse"}
    assert recursions >= {"way-node", "node-way", "node-relation", "way-relation", "relation-backwards"}
    assert recursions >= {"way-count", "way-link", "down", "down-rel", "up", "up-rel"}
