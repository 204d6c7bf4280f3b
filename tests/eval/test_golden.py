"""One query or more for each word of make, convert, for, foreach, if, complete and (if:), judged by the reference."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from golden_map import golden, make, run

from osm3s.eval.evaluators import EVALUATORS
from osm3s.ql import parse
from osm3s.storage.snapshot import Snapshot


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    with make(tmp_path_factory.mktemp("golden") / "db") as opened:
        yield opened


@pytest.mark.parametrize(("query", "body"), golden(), ids=lambda text: text[:60])
def test_answer_is_that_of_the_reference(snapshot: Snapshot, query: str, body: str) -> None:
    assert run(snapshot, query) == body


def test_every_evaluator_is_in_a_golden_query() -> None:
    used = {element.name for query, _ in golden() for element in parse(query).walk()}
    assert used >= EVALUATORS
