"""Translations of what is not quite a query: as the reference prints them (its answers, asked by hand)."""

from __future__ import annotations

import pytest

from osm3s.ql.translate import translate

PRINT = '<print e="" from="_" geometry="skeleton" ids="yes" limit="" mode="body" n="" order="id" s="" w=""/>'


@pytest.mark.parametrize(
    ("query", "translation"),
    [
        pytest.param(
            '<osm-script><union><query type="node"><has-kv k="a"/>\n',
            '<osm-script/>\n<union/>\n<query type="node">\n  <has-kv k="a"/>\n</query>\n',
            id="statements that are still open stand alone",
        ),
        pytest.param("<osm-script timeout\n", "", id="a root that is not there yet"),
        pytest.param(
            ".<<<<; out;",
            f'<osm-script>\n  <recurse from="&lt;&lt;" into="_" type="up-rel"/>\n  {PRINT}\n</osm-script>\n',
            id="names of sets are escaped in recursions that are statements",
        ),
        pytest.param(
            'node.a(r."x");out;',
            '<osm-script>\n  <query into="_" type="node">\n    <item from="a" into="_"/>\n'
            f'    <recurse from=""x"" type="relation-node"/>\n  </query>\n  {PRINT}\n</osm-script>\n',
            id="and not in filters",
        ),
    ],
)
def test_translations_to_xml(query: str, translation: str) -> None:
    assert translate(query, "xml") == (translation, [])


@pytest.mark.parametrize("form", ["xml", "compact-ql"])
def test_negative_ids_wrap_around(form: str) -> None:
    assert "18446744073709551611" in translate("node(-5);out;", form)[0]


def test_statements_that_are_still_open_in_ql() -> None:
    assert translate('<osm-script><union><query type="node"><has-kv k="a"/>\n', "compact-ql")[0] == '();node["a"];'


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        (
            'way(user,"A");out;',
            [
                'line 1: static error: Unknown attribute "" in element "user".',
                'line 1: static error: Unknown attribute "_1" in element "user".',
                'line 1: static error: Exactly one of the two attributes "name" and "uid" must be set.',
            ],
        ),
        (
            "node(w:b,c,a);out;",
            [f"line 1: static error: Invalid pos '{position}' in positions list." for position in "acb"],
        ),
    ],
)
def test_errors_come_once_and_in_the_order_of_the_reference(query: str, errors: list[str]) -> None:
    for form in "xml", "compact-ql":
        assert [str(error) for error in translate(query, form)[1]] == errors


def test_what_is_not_well_formed_is_not_translated() -> None:
    translation, errors = translate("<osm-script><b><print/></osm-script>\n", "compact-ql")
    assert translation == ""
    assert [str(error) for error in errors] == ["line 2: parse error: mismatched tag"]


def test_what_is_no_time_or_type_is_shown_so() -> None:
    assert '<newer than="0000-00-00T00:00:00Z"/>' in translate('node(newer:"2019");out;', "xml")[0]
    assert "<changed/>" in translate('node(changed:"x");out;', "xml")[0]
    assert '<recurse type="void"/>' in translate("way(w);out;", "xml")[0]
    assert '<set-prop keytype="generic">' in translate("make a ::x=1;", "xml")[0]
