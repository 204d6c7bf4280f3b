"""XAPI predicates in Overpass XML."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm3s import ql
from osm3s.errors import XapiError
from osm3s.ql.xapi import to_overpass_xml

PROJECT = Path(__file__).resolve().parent.parent.parent


def compact(predicate: str, force_meta: bool = False) -> str:
    """What the predicate means, in a notation that is easier to read."""
    return ql.to_compact_ql(ql.parse(to_overpass_xml(predicate, force_meta))).strip()


@pytest.mark.parametrize(
    ("predicate", "query"),
    [
        ("node[amenity=cafe]", 'node["amenity"="cafe"];out;'),
        ("node[amenity=*]", 'node["amenity"];out;'),
        (r"node[amenity=\*]", 'node["amenity"="*"];out;'),
        ("node[amenity=cafe|bar]", 'node["amenity"~"^(cafe|bar)$"];out;'),
        (r"node[amenity=cafe\|bar]", 'node["amenity"="cafe|bar"];out;'),
        (r"node[a\=b=c\]d\\]", r'node["a=b"="c]d\\"];out;'),
        ("node[name=X][bbox=7,51,8.5,52]", 'node(51,7,52,8.5)["name"="X"];out;'),
        ("relation[type=route][@uid=12]", 'relation["type"="route"](uid:12);out;'),
        ("relation[type=route][@user=A & B]", 'relation["type"="route"](user:"A & B");out;'),
        ("way[highway=path]", '(way["highway"="path"];node(w););out;'),
        ("way[highway=path][@timeout=300]", '[timeout:300];(way["highway"="path"];node(w););out;'),
        ("node[a=b][@newer=2011-01-01T00:00:00Z][@newer=2012-01-01T00:00:00Z]",
         'node["a"="b"](newer:"2012-01-01T00:00:00Z");out;'),
        ("*[a=b][@meta]", 'node["a"="b"];(._;way["a"="b"];node(w););out meta;relation["a"="b"];out meta;'),
    ],
)  # fmt: skip
def test_meaning(predicate: str, query: str) -> None:
    assert compact(predicate) == query


def test_metadata_can_be_forced() -> None:
    assert compact("node[a=b]", force_meta=True) == 'node["a"="b"];out meta;'
    assert compact("node[a=b][@meta]", force_meta=True) == 'node["a"="b"];out meta;'


def test_the_map_call() -> None:
    assert 's="51" n="52" w="7" e="8"' in to_overpass_xml("map?bbox=7,51,8,52")
    assert compact("map?bbox=7,51,8,52").endswith("out meta;")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "Query must start with 'node', 'way', 'relation', or '*'"),
        ("area[a=b]", "Query must start with 'node', 'way', 'relation', or '*'"),
        ("nodes[a=b]", "Text before '[' found."),
        ("node[a=b] ", "Text before '[' found."),
        ("node[a=b", "Expected ']' after value."),
        (r"node[a=b\]", "Expected ']' after value."),
        ("node[a]", "Expected '=' after key."),
        ("node[bbox=1,2,3,4][bbox=1,2,3,4]", "At most one bbox allowed."),
        ("node[bbox=1,2,3]", "Expected four numbers separated by commas in bbox."),
        ("map?bbox=1,2,3,4,5", "Expected four numbers separated by commas in bbox."),
    ],
)
def test_errors(text: str, error: str) -> None:
    with pytest.raises(XapiError, match=r"^Error: ") as raised:
        to_overpass_xml(text)
    assert str(raised.value) == f"Error: {error}"


@given(st.text("nodeway*[]=|\\@bbox,map?1<&\"'\n é", max_size=40), st.sampled_from(["", "node[", "way[a=", "*"]))
def test_any_text_is_translated_or_refused(text: str, start: str) -> None:
    try:
        translation = to_overpass_xml(start + text)
    except XapiError:
        return
    root, _ = ql.read(translation, check=False)
    assert root is not None


def test_the_program() -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run([str(PROJECT / "bin/translate_xapi"), *arguments], capture_output=True, text=True)
        return done.returncode, done.stdout

    assert run("--force-meta", "node[a=é]") == (0, to_overpass_xml("node[a=é]", True))
    assert run("node[a") == (1, "Error: Expected ']' after value.\n")
    assert run()[0] == 1
    assert run("node[a=b]", "node[a=b]")[0] == 1


def test_a_long_predicate() -> None:
    assert to_overpass_xml("node" + "[a=b]" * 50_000).count("has-kv") == 50_000
