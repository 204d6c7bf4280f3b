"""Every word of the language that the parser knows is in random queries, but for those listed here with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

from osm3s import ql
from osm3s.eval.evaluators import CONTAINERS, GEOMETRIES, STRINGS
from osm3s.eval.filters import FILTERS
from osm3s.eval.recursion import RECURSION_TYPES
from osm3s.eval.statements import STATEMENTS
from osm3s.ql.formats import FORMATS
from osm3s.ql.tree import Element

from .random_data import random_data
from .random_query import random_query
from .systems import AREA_RULES

N_QUERIES = 2000
NOT_GENERATED = {
    "has-kv statement": "only in XML, and does nothing",
    "newer statement": "an error wherever it stands",
    "area-query statement": "only in XML; in QL it is a query with this filter",
    "changed statement": "only in XML; in QL it is a query with this filter",
    "user statement": "only in XML; in QL it is a query with this filter",
    "recurse node-wr": "beside another filter, the reference finds nothing or fails",
}
SETTINGS = ("timeout", "element-limit", "output", "output-config", "bbox", "date", "from", "augmented")
CHOICES = {
    "print": {
        "mode": ("ids_only", "skeleton", "body", "tags", "meta", "count"),
        "geometry": ("skeleton", "full", "bounds", "center"),
        "order": ("id", "quadtile"),
        "ids": ("yes", "no"),
    },
    "query": {"type": ("node", "way", "relation", "nwr", "nw", "wr", "nr", "area", "derived")},
    "localize": {"type": ("l", "ll", "llb")},
    "set-prop": {"keytype": ("tag", "id", "geometry", "generic")},
    "user": {"criterion": ("last", "touched")},
    "has-kv": {"case": ("sensitive", "ignore"), "modv": ("", "not")},
    "eval-set-count": {"type": ("nodes", "ways", "relations", "deriveds", "nwr", "nw", "wr", "nr")},
    "eval-prop-count": {"type": ("tags", "members", "distinct_members", "by_role", "distinct_by_role")},
}
"""Attributes with a choice of values."""


def words_of(element: Element, parent: str) -> Iterator[str]:
    """The words that a tree is made of."""
    kind = "filter" if parent == "query" else "statement"
    yield f"{element.name} {kind}" if not element.is_evaluator else element.name
    for attribute in CHOICES.get(element.name, {}):
        yield f"{element.name} {attribute}={element.get(attribute)}"
    if element.name == "recurse":
        yield f"recurse {element.get('type')}"
    for child in element.children:
        yield from words_of(child, element.name)


def known_words() -> set[str]:
    known = {f"{name} statement" for name in STATEMENTS} | {f"{name} filter" for name in FILTERS}
    known |= {*STRINGS, *GEOMETRIES, *CONTAINERS}
    known |= {f"recurse {recursion}" for recursion in RECURSION_TYPES}
    known |= {f"[{setting}]" for setting in SETTINGS} | {f"[out:{format_}]" for format_ in FORMATS}
    for name, attributes in CHOICES.items():
        known |= {f"{name} {attribute}={value}" for attribute, values in attributes.items() for value in values}
    return known


def test_every_word_is_generated() -> None:
    seen: Counter[str] = Counter()
    for i in range(N_QUERIES):
        rng = Random(i // 5)
        data = random_data(rng)
        rng.seed(i)
        try:
            script = ql.parse(random_query(rng, data).text())
        except ql.QueryRejected:
            continue
        seen.update(f"[{setting}]" for setting in SETTINGS if script.attrs.get(setting))
        seen[f"[out:{script.get('output')}]"] += 1
        for statement in script.children:
            seen.update(words_of(statement, ""))
    seen.update(word for statement in ql.parse(AREA_RULES).children for word in words_of(statement, ""))
    assert known_words() - set(seen) - set(NOT_GENERATED) == set()
    assert sorted(set(NOT_GENERATED) & set(seen)) == []
