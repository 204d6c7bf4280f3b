"""Pages for people: custom and popup, judged by the reference with the templates beside this file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from golden_map import make

from osm3s.errors import QueryFailed, QueryOutOfMemory
from osm3s.eval.limits import Limits
from osm3s.eval.script import execute
from osm3s.ffi.sink import Sink
from osm3s.output.template import block_end, parse_template, render
from osm3s.output.writer import writer_for
from osm3s.ql import parse
from osm3s.ql.request import Request
from osm3s.ql.settings import Settings
from osm3s.storage.snapshot import Snapshot, open_snapshot

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parent.parent / "dbdir-template" / "templates"
CASES = [
    tuple(section.split("\n", 1))
    for section in (HERE / "golden_pages.txt").read_text(encoding="utf-8").split("=== ")[1:]
]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    root = tmp_path_factory.mktemp("pages") / "db"
    make(root).close()
    with open_snapshot(str(root)) as opened:
        yield opened


def page(
    snapshot: Snapshot,
    query: str,
    templates: Path = HERE / "templates",
    limits: Limits | None = None,
    remark: str = "",
    **form: str | bool,
) -> str:
    """The whole answer, its head as in CGI."""
    script = parse(query)
    settings = Settings.of(script)
    sink = Sink(-1)
    request = Request(query, **form)  # type: ignore[arg-type]
    writer = writer_for(settings.output, settings.popup, sink, request)
    writer.templates = str(templates)
    writer.header(snapshot.settings.timestamp)
    execute(script, snapshot, writer, limits or Limits())
    if remark:
        writer.remark(remark)
    head = ""
    if writer.content_type is None:
        content_type, location = writer.head()
        head = f"Status: 302 Moved\nLocation: {location}\n\n" if location else f"Content-type: {content_type}\n\n"
    writer.footer()
    return head + bytes(sink.data()).decode()


@pytest.mark.parametrize(("query", "expected"), CASES, ids=lambda text: text[:60])
def test_page_is_that_of_the_reference(snapshot: Snapshot, query: str, expected: str) -> None:
    assert page(snapshot, query) == expected


def test_without_redirect_a_single_element_is_a_page(snapshot: Snapshot) -> None:
    assert "W13 way nowhere" in page(snapshot, "[out:custom];way(13);out ids;", redirect=False)
    assert "No results found" not in page(snapshot, "[out:custom];way(99);out;", redirect=False)


def test_the_address_is_a_template_and_stays_in_its_line(snapshot: Snapshot) -> None:
    query = "[out:custom];way(13);out;"
    url = "http://a/{{{type}}}?{{{id}}}{{tags:x}}{{{no}}}{{open\r\nSet-Cookie: a"
    answer = page(snapshot, query, url=url)
    assert answer == "Status: 302 Moved\nLocation: http://a/way?13{{{no}}}{{open%0D%0ASet-Cookie: a\n\n"


@pytest.mark.parametrize("name", ["missing.wiki", "..", "\0", "x" * 300])
def test_a_template_that_cannot_be_read(snapshot: Snapshot, name: str) -> None:
    answer = page(snapshot, "[out:custom];way(id:12,13);out;", template=name)
    assert "<p>Template not found.</p>" in answer
    assert answer.count("<p>No {{way:..}} found in template.</p>") == 2


def test_a_template_without_blocks(snapshot: Snapshot) -> None:
    assert "A 2 page without blocks, {{unclosed\n" in page(
        snapshot, "[out:custom];way(id:12,13);out;", template="plain.wiki"
    )


@pytest.mark.parametrize("name", ["default.wiki", "base.wiki"])
@pytest.mark.parametrize("detail", ["geom", "center", "body", "ids"])
def test_the_shipped_templates_are_filled_in_completely(snapshot: Snapshot, name: str, detail: str) -> None:
    answer = page(snapshot, f"[out:custom];nwr(50,6,52,8);out {detail};", SHIPPED, template=name)
    assert "{{" not in answer and "}}" not in answer
    assert "13 results found" in answer
    assert ('onload="init()"' in answer) == (name == "default.wiki")


def test_an_error_is_told_and_does_not_redirect(snapshot: Snapshot) -> None:
    for query in ("[out:custom];way(13);out;", '[out:popup("";[name];)];way(13);out;'):
        answer = page(snapshot, query, remark="runtime error: <x>")
        assert "Location" not in answer
        assert '<strong style="color:#FF0000">Error</strong>: runtime error: &lt;x&gt; </p>' in answer


def test_what_a_page_holds_counts_as_memory(snapshot: Snapshot) -> None:
    with pytest.raises(QueryOutOfMemory):
        page(snapshot, "[out:custom];nwr(50,6,52,8);out geom;", limits=Limits(maxsize_bytes=3000))


def test_tests_of_a_group_must_all_pass(snapshot: Snapshot) -> None:
    answer = page(snapshot, '[out:popup("A";[amenity][name];)("B";[amenity];)];node(50,6,52,8);out;')
    assert "Node 5" in answer.partition("<h2>B")[0] and "Node 6" in answer.partition("<h2>B")[2]


def test_popup_escapes_and_links_only_to_addresses(tmp_path: Path) -> None:
    from small_map import bring_in, node, osm

    tags = [
        "name=&lt;b&gt;",
        "url=http://a/&quot;x&lt;",
        "url=javascript:alert(1)//http://a",
        "website=www.a.b",
    ]
    bring_in(
        tmp_path / "db", osm(*(node(i, (1, 1), tags=tag) for i, tag in enumerate(tags, 1))), "2020-01-01T00:00:00Z"
    )
    with open_snapshot(str(tmp_path / "db")) as opened:
        answer = page(
            opened, '[out:popup("<T>";[~"."];[name];[url];[website];"name";)];node(0,0,2,2);out;'.replace('[~"."];', "")
        )
    assert "<h2>&lt;T&gt;</h2>" in answer
    assert "<p><strong>&lt;b&gt;</strong><br/>\nname: &lt;b&gt;<br/>" in answer
    assert '<a href="http://a/&quot;x&lt;" target="_blank"><strong>Node 2</strong></a>' in answer
    assert "<p><strong>Node 3</strong><br/>" in answer
    assert '<a href="http://www.a.b" target="_blank"><strong>Node 4</strong></a>' in answer


def test_popup_with_an_invalid_regular_expression(snapshot: Snapshot) -> None:
    with pytest.raises(QueryFailed, match="Invalid regular expression"):
        page(snapshot, '[out:popup("A";[a~"("];)];node(1);out;')


def test_braces() -> None:
    assert block_end("{{a}}", 0) == 5
    assert block_end("{{{a}}} }}", 0) == 7
    assert block_end("{{a{{{b}}}}}c", 0) == 12
    assert block_end("{{{a}}", 0) is None
    assert render("a{{{x}}}b{{y:{{{x}}}}}c{{z}}{{{x", {"x": "1"}, {"y": lambda text: f"<{text}>"}) == (
        "a1b<{{{x}}}>c{{z}}{{{x"
    )


def test_many_braces_take_no_time() -> None:
    text = "{{" * 200_000
    assert render(text, {}, {}) == text
    assert render("{{a}}" * 100_000, {}, {}) == "{{a}}" * 100_000
    assert parse_template("{{node:" * 100_000).header == ""
