"""No text does anything but give a tree or a QueryRejected, and none takes more than linear work or deep recursion."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osm3s import ql
from osm3s.constants import MAX_NESTING
from osm3s.errors import QueryRejected
from osm3s.ql.diagnostics import MAX_MESSAGES, Diagnostics, Place
from osm3s.ql.tokens import Cursor
from ql.golden import REJECTED, SETTINGS, TRANSLATIONS

QUERIES = [query for query, *_ in TRANSLATIONS] + [query for query, *_ in SETTINGS] + [query for query, _ in REJECTED]
TOKENS = sorted(
    {"->", "::", "==", "||", "<<", '"', "'", "\\", "/*", "//", "\n", "é", "\0", "\udcff", "<", "<a", "</a>", "<!--"}
    | {"node", "way", "rel", "out", "for", "foreach", "if", "else", "make x a=", "convert y", "is_in", "local", "retro"}
    | {"compare", "delta", "complete", "timeline", "map_to_area", "id", "around", "poly", "w", "bn", "way_cnt", "user"}
    | {"count", "u", "t", "per_member", "lrs_in", "pt", "geom", "keys", "1", "-1.5", "0x10", "1e5"}
    | set("()[]{};:,.=!~?+-*/%&|<>@_#$ ")
)


def read(text: str | bytes) -> None:
    """All that can be done with a text; only QueryRejected may be raised."""
    for check in (True, False):
        try:
            root, messages = ql.read(text, check=check)
        except QueryRejected as rejected:
            messages = rejected.messages
        else:
            for printer in (ql.to_xml, ql.to_pretty_ql, ql.to_compact_ql, ql.to_bbox_ql):
                assert isinstance(printer(root), str)
        assert isinstance(ql.explain_errors(text, messages), str)


@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    read(raw)


@given(st.text(st.characters(codec=None, exclude_categories=[]), max_size=100))
def test_any_text(text: str) -> None:
    read(text)
    read('node[a="' + text + '"];')


@given(st.lists(st.sampled_from(TOKENS), max_size=60))
@settings(max_examples=300)
def test_any_tokens(tokens: list[str]) -> None:
    read("".join(tokens))
    read(" ".join(tokens))


@given(st.sampled_from(QUERIES), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_mutated_queries(query: str, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(query))
        match rng.randrange(3):
            case 0:
                query = query[:at] + rng.choice(TOKENS) + query[at:]
            case 1:
                query = query[:at] + query[at + rng.randint(1, 5) :]
            case 2:
                query = query[:at] + rng.choice(QUERIES) + query[at:]
    read(query)


MANY = 30_000


@pytest.mark.parametrize(
    "bomb",
    [
        "(" * MANY,
        "foreach{" * MANY,
        "if(1){" * MANY,
        "node(if:" + "(" * MANY + "1" + ")" * MANY + ");",
        "make a b=" + "(" * MANY + "1",
        "make a b=" + "u(" * MANY + "1",
        "make a b=" + "-" * MANY + "1;",
        "make a b=" + "!" * MANY + "1;",
        "make a b=1" + "+1" * MANY + ";",
        "make a b=" + "1?" * MANY + "1" + ":1" * MANY + ";",
        "node(if:" + "a." * MANY + "b);",
        "<union>" * MANY,
        "<osm-script>" * MANY,
        ";" * MANY,
        '"' * MANY,
        "'\\" * MANY,
        "/*" * MANY,
        "é" * MANY,
        "\0" * MANY,
        "é\n" * MANY,
        "9" * MANY,
        "node(" + "9" * MANY + ");",
        "node(around:1" + ",1" * MANY + ");",
        "node(id:1" + ",1" * MANY + ");",
        'node(poly:"' + "1 2 " * MANY + '1 2");',
        'node[a~"' + "(" * MANY + '"];',
        'node[a~"((a{1,255}){1,255}){1,255}"];',
        "[a:b]" * MANY,
        "[timeout:" + "1 " * MANY + "];",
        "make a " + ",".join(["k=1"] * 500) + ";",
        '<id-query type="node" lower="1" upper="99999999999"/>',
        '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY a{i} "{(f"&a{i - 1};" if i else "&a;") * 10}">' for i in range(10))
        + "]><osm-script>&a9;</osm-script>",
    ],
    ids=lambda bomb: ascii(bomb[:24]),
)
def test_bombs(bomb: str) -> None:
    read(bomb)


@pytest.mark.parametrize(
    ("opening", "step"), [("(", 2), ("foreach{", 2), ("for(1){", 2), ("if(1){", 1), ("retro(1){", 1), ("complete{", 1)]
)
def test_nesting_limit(opening: str, step: int) -> None:
    closing = {"(": ");", "{": "}"}[opening[-1]]
    deepest = MAX_NESTING // step
    query = opening * deepest + "node(1);" + closing * deepest
    ql.to_compact_ql(ql.parse(query))
    with pytest.raises(QueryRejected, match=f"Nesting of statements is limited to {MAX_NESTING} levels"):
        ql.parse(opening + query + closing)


def test_the_number_of_messages_is_limited() -> None:
    with pytest.raises(QueryRejected) as rejected:
        ql.parse("foo;" * MAX_MESSAGES)
    assert len(rejected.value.messages) == MAX_MESSAGES


def test_invalid_utf8_survives() -> None:
    root = ql.parse(b'node[a="\xff\xc3"];')
    assert ql.to_compact_ql(root).encode("utf-8", "surrogateescape") == b'node["a"="\xff\xc3"];\n'


def test_surrogate_escapes() -> None:
    """A pair is one character; half of one becomes the bytes that the reference makes of it."""
    assert ql.parse('node[a="\\ud83d\\ude00"];').children[0].children[0].get("v") == "😀"
    half = ql.parse('node[a="\\ud83d"];').children[0].children[0].get("v")
    assert half.encode("utf-8", "surrogateescape") == b"\xed\xa0\xbd"
    assert ql.parse('node[a="\ud83d"];').children[0].children[0].get("v") == half


def test_the_places_in_one_long_line_are_counted_once() -> None:
    """Programs write a whole query into one line; its statements and operators all ask where they are."""
    looked_at = 0

    class Watched(str):
        def __getitem__(self, which: object) -> str:
            nonlocal looked_at
            part: str = super().__getitem__(which)  # type: ignore[index]
            looked_at += len(part)
            return part

    text = Watched('node[a="é\\""](id:1,2)/* b */;' * 1000)
    cursor = Cursor(text, Diagnostics())
    places = []
    while cursor.good:
        places.append(cursor.place)
        cursor.advance()
    assert looked_at <= len(text)
    assert places[:13] == [Place(1, column) for column in (1, 5, 6, 7, 8, 13, 14, 15, 17, 18, 19, 20, 21)]
