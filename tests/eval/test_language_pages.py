"""The pages in docs/language: they are current, their examples work in both languages, and no word is without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from osm3s import ql
from osm3s.cli.language_pages import Word, example_database, pages, shown, words, xml_form
from osm3s.eval.evaluators import EVALUATORS
from osm3s.eval.filters import FILTERS
from osm3s.eval.statements import STATEMENTS
from osm3s.ql.formats import FORMATS
from osm3s.serve.local import LocalDatabase

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "language"
ONLY_IN_XML = {"has-kv", "make-area"}
"""Statements that only Overpass XML has; make-area works in runs of rules alone."""
NEED_HISTORY = {"timeline", "retro", "compare"}
"""Statements about the past; they have pages as soon as their docstrings have examples."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalDatabase]:
    yield example_database(tmp_path_factory.mktemp("pages"), DOCS)


def test_pages_are_current(database: LocalDatabase) -> None:
    """If not: `make docs`."""
    written = {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
    assert written == pages(database)


@pytest.mark.parametrize("word", words(), ids=lambda word: word.file)
def test_examples_answer_the_same_in_xml(database: LocalDatabase, word: Word) -> None:
    assert word.examples
    for example in word.examples:
        in_ql = shown(database.query(example).text)
        assert in_ql
        assert shown(database.query(xml_form(ql.parse(example))).text) == in_ql


def test_every_word_has_a_page() -> None:
    used = {element.name for word in words() for query in word.examples for element in ql.parse(query).walk()}
    modules = {word.file for word in words()}
    for functions in (STATEMENTS, FILTERS):
        kind = "statement" if functions is STATEMENTS else "filter"
        for name, function in functions.items():
            module = function.__module__.rpartition(".")[2].rstrip("_")
            assert f"{kind}-{module}.md" in modules or module == "bare" or name in ONLY_IN_XML | NEED_HISTORY, name
    assert used >= EVALUATORS
    assert {f"format-{name}.md" for name in FORMATS} <= modules
    assert {f"setting-{name}.md" for name in ("timeout", "maxsize", "bbox")} <= modules
