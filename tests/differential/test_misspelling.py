"""Queries with mistakes: each has an answer, and with an installed reference that is its answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .misspelling import misspelt_queries, of_reference, ours


def test_every_query_with_mistakes_has_an_answer() -> None:
    told = [ours(query) for query in misspelt_queries(1, 300)]
    assert not [said for said in told if said.errors and said.xml]
    assert 150 < sum(bool(said.errors) for said in told) < 300


def test_errors_and_translations_are_those_of_the_reference() -> None:
    prefix = os.environ.get("REFERENCE")
    if not prefix:
        pytest.skip("needs an installed OSM3S, whose prefix is in $REFERENCE")
    for query in misspelt_queries(1, 300):
        theirs = of_reference(Path(prefix), query)
        if theirs is not None:
            assert ours(query) == theirs, query
