"""Form fields, the box of a request, and texts that are no query at all."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm3s import ql
from osm3s.constants import MAX_QUERY_BYTES
from osm3s.errors import QueryRejected
from osm3s.ql.request import (
    DEFAULT_TEMPLATE,
    DEFAULT_URL,
    Request,
    body_as_read,
    decode_form,
    from_console,
    unescape,
)


def rejection(raw: bytes) -> str:
    with pytest.raises(QueryRejected) as rejected:
        decode_form(raw)
    (message,) = rejected.value.messages
    return str(message)


def test_fields_are_decoded() -> None:
    request = decode_form(b"data=node%5Bname%3DCaf%C3%A9%5D%3Bout+ids%3B&jsonp=f&redirect=no&template=t%2Ewiki&url=%7B")
    assert request == Request("node[name=Café];out ids;", "", "f", False, "t.wiki", "{")


def test_defaults() -> None:
    request = decode_form(b"data=out;")
    assert (request.template, request.url, request.redirect) == (DEFAULT_TEMPLATE, DEFAULT_URL, True)


@pytest.mark.parametrize(
    ("raw", "query"),
    [
        (b"node(1);out+ids;%20", "node(1);out+ids;%20"),
        (b"data=&x=1", "data=&x=1"),
        (b" <query>+%20&data=out;", " <query>+%20&data=out;"),
        (b"data=a%2&data=100%&data=%zz%4", "%zz%4"),
        (b"data=out; \n\t&x", "out;"),
        (b"data=a=b", "a=b"),
        (b"data=%ff", "\udcff"),
        (body_as_read(b"out;"), "out;\n"),
    ],
)
def test_query(raw: bytes, query: str) -> None:
    assert decode_form(raw).query == query


def test_bbox_is_put_into_the_query() -> None:
    request = decode_form(b"data=[bbox][bbox];node(bbox);way(bbox);&bbox=7.1,50,7.2,51")
    assert request.query == "[bbox:50,7.1,51,7.2][bbox];node(50,7.1,51,7.2);way(50,7.1,51,7.2);"
    assert decode_form(b"data=node(bbox);&bbox=1,2,3").query == "node(bbox);"


def test_blank_and_long_texts() -> None:
    assert rejection(b"") == "encoding error: Your input is empty."
    assert rejection(b" \n") == "encoding error: Your input contains only whitespace."
    assert rejection(b"data=%20") == "encoding error: Your input contains only whitespace."
    assert rejection(b"x" * (MAX_QUERY_BYTES + 1)) == (
        "encoding error: Input Input too long (length: 16777217). The maximum query length is 16 MB."
    )
    with pytest.raises(QueryRejected, match="only whitespace"):
        from_console("")


def test_parameters_of_formats() -> None:
    Request("", jsonp="a.b_1").check_for("json")
    Request("", jsonp="a-b", template="a/b").check_for("xml")
    with pytest.raises(QueryRejected, match='"jsonp" must contain only letters, digits, or the underscore'):
        Request("", jsonp="alert(1)").check_for("json")
    with pytest.raises(QueryRejected, match='"template" must not contain slashes'):
        Request("", template="../x").check_for("custom")


def test_completion_remark() -> None:
    assert ql.completion_remark("out;") is None
    assert ql.completion_remark('<?xml version="1.0"?><osm-script/>') is None
    assert ql.completion_remark("\n<print/>") == (
        "Your input starts with a tag but not the root tag. Thus, a line with the\n"
        "datatype declaration and a line with the root tag 'osm-script' is\n"
        "added. This shifts line numbering by -1 line(s)."
    )
    assert ql.completion_remark("<osm-script/>") == (
        "Your input contains an 'osm-script' tag. Thus, a line with the\n"
        "datatype declaration is added. This shifts line numbering by -1 line(s)."
    )


@given(st.lists(st.sampled_from([b"%", b"4", b"1", b"fF", b"g", b"+", b"%2B", b"\xff"])).map(b"".join))
def test_escapes(raw: bytes) -> None:
    assert unescape(raw) == unquote_to_bytes(raw.replace(b"+", b" "))
