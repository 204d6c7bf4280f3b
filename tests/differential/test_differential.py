"""Random pairs of data and query: the project answers as the oracle does."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from osm3s import ql

from .__main__ import report
from .campaign import System, campaign
from .oracle import Oracle
from .random_contexts import CONTEXTS, fits, random_query_in
from .random_core import random_core_query
from .random_data import random_data
from .random_query import random_query
from .shrink import shrink
from .systems import Answer, InProcess

PAIRS = 200


def project_and_oracle(work: Path) -> tuple[System, System]:
    return InProcess(work), Oracle(work)


@pytest.mark.parametrize("seed", [1, 2])
def test_answers_are_those_of_the_oracle(seed: int) -> None:
    tallies = list(campaign(seed, PAIRS, project_and_oracle, random_core_query))
    assert [report(difference) for tally in tallies for difference in tally.differences] == []
    assert sum(tally.pairs for tally in tallies) == PAIRS
    assert sum(tally.empty for tally in tallies) < PAIRS / 3


def test_a_wrong_answer_is_noticed() -> None:
    """Of a system that forgets relations."""

    class Forgetful(Oracle):
        def ask(self, query: str) -> Answer:
            self.elements = {key: element for key, element in self.elements.items() if key[0] != 2}
            return super().ask(query)

    tally = next(campaign(1, 50, lambda work: (Forgetful(work), Oracle(work)), random_core_query, small=False))
    assert len(tally.differences) > 5


@pytest.mark.parametrize("context", CONTEXTS)
def test_random_queries_in_a_context_are_valid(context: str) -> None:
    asked = 0
    for seed in range(150):
        rng = Random(seed)
        data = random_data(rng)
        if fits(context, data):
            ql.parse(random_query_in(context, rng, data).text())
            asked += 1
    assert asked > 5


def test_random_queries_of_the_whole_language_are_valid() -> None:
    rejected = 0
    for seed in range(300):
        rng = Random(seed)
        query = random_query(rng, random_data(rng)).text()
        try:
            ql.parse(query)
        except ql.QueryRejected as error:
            rejected += 1
            assert all("regular expression" in message.text for message in error.messages), query
    assert rejected < 30


def test_shrinking_keeps_what_makes_the_difference() -> None:
    rng = Random(4)
    data = random_data(rng)
    query = random_core_query(rng, data)
    smaller_data, smaller_query = shrink(data, query, lambda data, text: "out" in text and bool(data.of("relation")))
    assert len(smaller_data.elements) == 1
    assert len(smaller_query.text()) <= len(".a out count;")
