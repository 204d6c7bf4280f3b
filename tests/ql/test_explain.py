"""Messages for people point at the place in the text."""

from __future__ import annotations

import pytest

from osm3s import ql
from osm3s.errors import QueryRejected
from osm3s.ql import tree


def explained(text: str) -> str:
    with pytest.raises(QueryRejected) as rejected:
        ql.parse(text)
    return ql.explain_errors(text, rejected.value.messages)


def test_caret_under_the_token() -> None:
    assert explained("out;\n  node[a~b](1,2,3);\n") == (
        "line 2: parse error: bbox requires four arguments\n  |   node[a~b](1,2,3);\n  |                ^ column 16\n"
    )


def test_column_after_a_string_over_lines() -> None:
    text = 'node[a="x\ny"]foo;\n'
    assert explained(text).splitlines()[1:3] == ['  | y"]foo;', "  |    ^ column 4"]


def test_end_of_text() -> None:
    assert explained("node(1)\n\n").endswith("(end of the text)\n")


def test_xml_is_shown_as_completed() -> None:
    assert explained("<print foo='1'/>").splitlines()[1:] == ["  | <print foo='1'/>", "  | ^ column 1"]


def test_long_lines_are_cut() -> None:
    lines = explained("node(1);" * 500 + "foo;").splitlines()
    assert all(len(line) <= 130 for line in lines)
    assert lines[1][lines[2].index("^") :].startswith("foo")


def test_defaults_of_attributes() -> None:
    element = tree.Element("around", {"radius": "5"})
    assert (element.get("into"), element.get("from"), element.get("lat")) == ("_", "_", "")
    assert tree.Element("set-prop").get("from") == ""
    assert tree.Element("complete", {"maxnum": ""}).get("maxnum") == "4096"


def test_walk_is_in_text_order() -> None:
    root = ql.parse("(node(1);way(2););out;")
    assert [element.name for element in root.walk()] == ["osm-script", "union", "id-query", "id-query", "print"]
