"""Small queries with known translations and messages; needs nothing but this folder."""

from __future__ import annotations

import pytest

from osm3s import ql
from osm3s.errors import QueryRejected
from osm3s.ql.request import from_console
from ql.golden import REJECTED, SETTINGS, TRANSLATIONS


@pytest.mark.parametrize(("query", "xml", "compact"), TRANSLATIONS)
def test_translation(query: str, xml: str, compact: str) -> None:
    root = ql.parse(query)
    assert ql.to_xml(root) == f"<osm-script>\n{xml}</osm-script>\n"
    assert ql.to_compact_ql(root) == compact + "\n"


@pytest.mark.parametrize(("query", "first_line", "compact"), SETTINGS)
def test_settings(query: str, first_line: str, compact: str) -> None:
    root = ql.read(query, check=False)[0]
    assert ql.to_xml(root).split("\n")[0] == first_line
    assert ql.to_compact_ql(root) == compact + "\n"


@pytest.mark.parametrize(("query", "messages"), REJECTED)
def test_rejection(query: str, messages: list[str]) -> None:
    with pytest.raises(QueryRejected) as rejected:
        ql.parse(from_console(query))
    assert [str(message) for message in rejected.value.messages] == messages


WITH_ODDITIES = ("::id", "t[", "count(nodes)", "if(", "- .")
"""What the reference prints in a form that it does not read again as the same."""


@pytest.mark.parametrize("query", [query for query, _, _ in TRANSLATIONS])
def test_printing_is_stable(query: str) -> None:
    """What is printed in either form reads as the same query."""
    if any(oddity in query for oddity in WITH_ODDITIES):
        pytest.skip("the reference's print of this is not the same query")
    compact = ql.to_compact_ql(ql.parse(query))
    assert ql.to_compact_ql(ql.parse(compact)) == compact
    assert ql.to_compact_ql(ql.parse(ql.to_pretty_ql(ql.parse(query)))) == compact
    if "make" not in query:  # whose XML shows a default that is one only in QL
        assert ql.to_compact_ql(ql.parse(ql.to_xml(ql.parse(query)))) + "\n" == compact


def test_pretty_and_bbox_forms() -> None:
    root = ql.parse("[timeout:9];(node[a][b];way[a];)->.x;foreach.x{out;}")
    assert ql.to_pretty_ql(root) == (
        '[timeout:9]\n;\n(\n  node\n    ["a"]\n    ["b"];\n  way["a"];\n)->.x;\nforeach.x{\n  out;\n}\n'
    )
    assert ql.to_bbox_ql(root) == (
        '[timeout:9];(bbox)(node["a"]["b"](bbox);way["a"](bbox);)->.x;(bbox)foreach.x{(bbox)out;}\n'
    )


def test_xml_and_ql_give_the_same_query() -> None:
    xml = '<query type="node" into="a"><has-kv k="k" v="v"/><item set="b"/></query><print from="a" mode="meta"/>'
    assert ql.to_compact_ql(ql.parse(xml)) == ql.to_compact_ql(ql.parse("node.b[k=v]->.a;.a out meta;")).rstrip("\n")


def test_an_unchecked_query_may_have_any_values() -> None:
    root = ql.parse('<query type="foo"><has-kv k="a" regv="("/></query>', check=False)
    assert root.children[0].attrs == {"type": "foo"}
    assert ql.to_compact_ql(root) == 'area["a"];'


def test_regex_check_can_be_replaced() -> None:
    seen = []

    def check(pattern: str, case_sensitive: bool) -> str:
        seen.append((pattern, case_sensitive))
        return "No such pattern" if pattern == "bad" else ""

    ql.parse('node[a~"x"][~"k"~"y",i];', check_regex=check)
    assert seen == [("x", True), ("k", False), ("y", False)]
    with pytest.raises(QueryRejected, match='No such pattern: "bad"'):
        ql.parse("node[a~bad];", check_regex=check)
