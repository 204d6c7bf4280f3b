"""The examples of docs/deviations.md: the project answers as they say, and so does the reference."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .argued import DEVIATIONS, TIMEOUT_S, Example, ask, examples
from .systems import InProcess, Reference

EXAMPLES = list(examples(DEVIATIONS.read_text(encoding="utf-8")))
of_each = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title[:60])


@of_each
def test_our_answer_is_as_written(tmp_path: Path, example: Example) -> None:
    assert ask(InProcess(tmp_path), example) == example.ours


@of_each
def test_the_answer_of_the_reference_is_as_written(tmp_path: Path, example: Example) -> None:
    prefix = os.environ.get("REFERENCE")
    if not prefix:
        pytest.skip("needs an installed OSM3S, whose prefix is in $REFERENCE")
    if example.reference is None:
        pytest.skip("the reference does not always give the same answer")
    assert ask(Reference(Path(prefix), tmp_path, TIMEOUT_S), example) == example.reference


def test_every_deviation_of_the_language_has_an_example() -> None:
    language = DEVIATIONS.read_text(encoding="utf-8").partition("\n## Programs")[0]
    titles = [entry.partition("\n")[0] for entry in language.split("\n### ")[1:]]
    assert [title for title in titles if title not in {example.title for example in EXAMPLES}] == []
    assert [example.title for example in EXAMPLES if example.reference == example.ours] == []
