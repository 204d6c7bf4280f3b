"""The endpoints beside `interpreter`: what their requests mean, and the small pages."""

from __future__ import annotations

import gzip
import html
import os
import tempfile
from pathlib import Path

import pytest

from osm3s.errors import QueryRejected
from osm3s.ql.request import decode_form
from osm3s.serve.doors import DOORS, EDITOR_DOORS
from osm3s.serve.page import Page
from osm3s.serve.pages import PAGES
from osm3s.serve.queries import QUERIES
from osm3s.serve.request import Database, Request

CGI_BIN = Path(__file__).resolve().parent.parent.parent / "cgi-bin"


def get(door: str, query_string: str) -> Request:
    return Request(door, method="GET", query_string=query_string.encode())


def query_of(door: str, query_string: str) -> str:
    form = QUERIES[door](get(door, query_string))
    assert isinstance(form, bytes)
    return decode_form(form).query


def refusal_of(door: str, query_string: str) -> Page:
    page = QUERIES[door](get(door, query_string))
    assert isinstance(page, Page)
    return page


@pytest.fixture
def database(tmp_path: Path) -> Database:
    (tmp_path / "osm_base.idx").touch()
    return Database(str(tmp_path), direct=True)


def test_every_door_has_an_answer_and_a_cgi_program() -> None:
    assert {*QUERIES, *PAGES} == DOORS | {*EDITOR_DOORS}
    assert set(os.listdir(CGI_BIN)) - {"interpreter"} == DOORS - {"interpreter"}
    assert all(os.readlink(CGI_BIN / name) == "interpreter" for name in DOORS - {"interpreter"})


def test_map() -> None:
    query = query_of("map", "bbox=9.5,47.1,9.6,47.2")
    assert query.startswith("[bbox:47.1,9.5,47.2,9.6];(node(47.1,9.5,47.2,9.6);way(bn);node(w););")
    assert query.endswith("out meta;")


def test_xapi() -> None:
    assert query_of("xapi", "node%5Bname=A+B%5D&ignored") == (
        '<query type="node">\n  <has-kv k="name" v="A B"/>\n</query>\n<print/>\n\n'
    )
    assert '<print mode="meta"/>' in query_of("xapi_meta", "node[a=b]")
    assert "<recurse" in query_of("xapi", "map?bbox=1,2,3,4")


def test_xapi_errors_and_debugging() -> None:
    page = refusal_of("xapi", "node%5Ba%5D")
    assert (page.status, page.content_type) == (400, "text/plain; charset=utf-8")
    assert page.text == "Error in [node[a]]:\nError: Expected '=' after key.\n"
    assert refusal_of("xapi", "debug=node[a=b]").text.startswith('[node[a=b]]\n<query type="node">\n')


def test_augmented_diff() -> None:
    changed = '(changed:"2012-09-12T06:57:00Z","2012-09-12T06:58:00Z");'
    assert query_of("augmented_diff", "id=2") == (
        f'[adiff:"2012-09-12T06:57:00Z","2012-09-12T06:58:00Z"];(node{changed}way{changed}rel{changed});out meta geom;'
    )
    assert f"node(47,9,48,10){changed}" in query_of("augmented_diff", "id=2&bbox=9,47,10,48")
    assert f"node{changed}" in query_of("augmented_diff", "id=2&bbox=-180,-90,180,90")
    assert refusal_of("augmented_diff", "id=2&debug=1").text.startswith("data=[adiff:")
    for bad in ("id=x", "id=-1", "id=1;out;", "id=99999999999999"):
        assert refusal_of("augmented_diff", bad).status == 400


def test_an_augmented_diff_that_is_there_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cache = tmp_path / "osm3s_augmented_diffs_cache"
    cache.mkdir(mode=0o755)
    (cache / "7.osc.gz").write_bytes(gzip.compress(b"<osm/>\n"))
    assert refusal_of("augmented_diff", "id=7") == Page("<osm/>\n", "application/osm3s+xml")
    assert "adiff" in query_of("augmented_diff", "id=7&bbox=9,47,10,48")
    cache.chmod(0o777)  # now somebody else might have put it there
    assert "adiff" in query_of("augmented_diff", "id=7")


def test_the_newest_augmented_diff(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    page = PAGES["augmented_diff_status"]
    assert page(get("", ""), database).text == ""
    (tmp_path / "osm_base_version").write_text("2012-09-12T06:58:59Z\n")
    assert page(get("", ""), database).text == "2\n"
    (tmp_path / "osm3s_augmented_diffs_cache").mkdir(mode=0o755)
    (tmp_path / "osm3s_augmented_diffs_cache" / "newest").write_text("1\n")
    assert page(get("", ""), database).text == "1\n"


def test_the_state_of_a_time(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERPASS_AUGMENTED_DIFFS_DIR", str(tmp_path))
    page = PAGES["augmented_state_by_date"]
    assert page(get("", "osm_base=2012"), database).text == "0\n"
    states = tmp_path / "000" / "000"
    states.mkdir(parents=True)
    for number in range(1000):
        (states / f"{number:03}.state.txt").write_text(f"osm_base=2012-09-12T{number // 60:02}:{number % 60:02}:00Z\n")
    (tmp_path / "state.txt").write_text("999\n")
    assert page(get("", "osm_base=2012-09-12T00%3A10%3A30Z"), database).text == "10\n"
    assert page(get("", "osm_base=2011"), database).text == "0\n"
    assert page(get("", "osm_base=2013"), database).text == "998\n"


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("xml", '  <id-query type="node" ref="1"/>'),
        ("mapql", "node(1);\nout;\n"),
        ("compact", "node(1);out;\n"),
    ],
)
def test_convert(database: Database, target: str, shown: str) -> None:
    page = PAGES["convert"](get("convert", f"data=node%281%29;out;&target={target}"), database)
    assert page.content_type == "text/html; charset=utf-8"
    converted = page.text.partition("<pre>\n")[2].partition("</pre>")[0]
    assert shown in html.unescape(converted)
    assert "\n" not in converted
    posted = Request("convert", body=f"target={target}&data=node(1);out;".encode())
    assert PAGES["convert"](posted, database) == page


def test_convert_links_and_errors(database: Database) -> None:
    page = PAGES["convert"](get("convert", 'data=node["a"="<%26>"];out;&target=compact'), database)
    assert 'href="interpreter?data=node%5B%22a%22%3D%22%3C%26%3E%22%5D%3Bout%3B%0A"' in page.text
    assert "<pre>\nnode[&quot;a&quot;=&quot;&lt;&amp;&gt;&quot;];out;&#x0a;</pre>" in page.text
    map_page = PAGES["convert"](get("convert", "data=node(1);out;&target=openlayers"), database)
    assert (map_page.status, map_page.location) == (302, "/?data=node%281%29%3Bout%3B%0A")
    with pytest.raises(QueryRejected):
        PAGES["convert"](get("convert", "data=foo&target=xml"), database)


def test_convert_xapi(database: Database) -> None:
    page = PAGES["convert_xapi"]
    assert page(get("", "compact=node[a=b]"), database).text == (
        'Your query in compact OverpassQL:\n\nnode["a"="b"];out;\n'
    )
    assert page(get("", "node[a=b]"), database).text.startswith("Your query in pretty XML:\n\n<osm-script>\n")
    assert page(get("", "node[a"), database).status == 400


def test_template(database: Database, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "Template:X").write_text("<b>{{node}}</b>")
    (tmp_path / "secret").write_text("secret")
    page = PAGES["template"]
    assert "<pre>\n\n&lt;b&gt;{{node}}&lt;/b&gt;</pre>" in page(get("", "action=show&name=Template:X"), database).text
    assert page(get("", "action=show&name=Template:Y"), database).status == 404
    assert page(get("", "action=show&name=Template:/../../secret"), database).status == 400
    assert page(get("", "action=fetch&name=Template:X"), database).status == 403
    assert "&lt;script&gt;" in page(get("", "action=show&name=<script>"), database).text


def test_trigger_clone(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERPASS_CLONE_DIR", str(tmp_path))
    assert PAGES["trigger_clone"](get("", ""), database).text == ""
    (tmp_path / "latest_dir").write_text("https://a.example/clone/1\n")
    assert PAGES["trigger_clone"](get("", ""), database).text == "https://a.example/clone/1\n"
