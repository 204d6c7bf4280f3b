"""Numbers of thousands of digits, or beyond the width they are kept in, in every place that takes one: an answer or an
error of the query, never an exception of Python's own."""

from __future__ import annotations

import pytest
from small_map import bring_in, node, osm, way

import osm3s
from osm3s.errors import Osm3sError

NUMBERS = {
    "digits": "9" * 5000,
    "zeros": "0" * 6000 + "1",
    "negative": "-" + "9" * 5000,
    "fraction": "1." + "9" * 5000,
    "exponent": "1e" + "9" * 500,
    "hexadecimal": "0x" + "f" * 5000,
    "too wide": "5000000000",
    "not ASCII": "\u0663\u00b2",
}
QUERIES = [
    "node({});out;",
    "area({});out;",
    "node(uid:{});out;",
    "node(uid_touched:{});out;",
    "node(around:{},50,7);out;",
    'node(poly:"{} 1 2 3 4 5");out;',
    'node(newer:"{}-01-01T00:00:00Z");out;',
    "way(1);node(w:{});out;",
    "way(1);node(w:1,-{});out;",
    "node(1);way(bn:{});out;",
    "node(1);node(way_cnt:1-{});out;",
    "complete({}){{node(1);}}out;",
    "timeline(node,1,{});out;",
    "out {};",
    "[timeout:{}];out;",
    "[maxsize:{}];out;",
    "[bbox:{},1,2,3];out;",
    '[date:"2016-{}-01T00:00:00Z"];out;',
    'make x a=date("{}");out;',
    'make x a=number("{}")+1;out;',
    "make x ::id={};out;",
    'make x ::geom=pt("{}",1);out geom;',
    '<query type="node"><id-query lower="{}" upper="3"/></query><print limit="{}"/>',
    '<recurse type="way-node" pos="{}"/>',
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> osm3s.LocalDatabase:
    root = tmp_path_factory.mktemp("large") / "db"
    bring_in(root, osm(node(1, (50, 7)), node(2, (50, 8)), way(1, [1, 2])), "2020-01-02T00:00:00Z")
    return osm3s.open(str(root))


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_every_place_that_takes_a_number(database: osm3s.LocalDatabase, number: str) -> None:
    for query in QUERIES:
        try:
            assert b"exception" not in database.query(query.format(number, number)).content
        except Osm3sError as error:
            assert "exception" not in str(error), query


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("way(1);node(w:-1);out;", [2]),
        ("way(1);node(w:99999999999);out;", []),
        ("way(1);node(w:1,-99999999999);out;", [1]),
        ("node(uid:4294967297);out;", [1, 2]),  # the reference keeps 32 bits of it
        ("node(uid:5000000000);out;", []),
        ("node(0000000000000000000000000002);out;", [2]),
    ],
)
def test_what_they_mean(database: osm3s.LocalDatabase, query: str, ids: list[int]) -> None:
    answer = database.query(f"[out:json];{query}").json()
    assert [element["id"] for element in answer["elements"]] == ids
