"""From raw request to bytes, in this process: CGI and console, with an engine that obeys orders."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_engine import FakeEngine, FakeSnapshot

from osm3s import ql
from osm3s.cli import osm3s_query
from osm3s.errors import DispatcherError, Message, QueryFailed, QueryRejected, QueryTimeout
from osm3s.ql.request import Request as Form
from osm3s.ql.settings import Settings
from osm3s.serve import frontend, limits, web
from osm3s.serve.error_document import error_document
from osm3s.serve.local import MemoryDoor
from osm3s.serve.refusal import refusal_of
from osm3s.serve.request import Database, Request

XML_HEAD = "Content-type: application/osm3s+xml\n\n"
REMARK = "<remark> {} </remark>\n\n</osm>\n"


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process of the tests must not be limited like that of a query."""
    monkeypatch.setattr(limits, "_limit", lambda limit, value: None)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    (tmp_path / "osm_base.idx").touch()
    return Database(str(tmp_path), direct=True)


def cgi(request: Request, database: Database, tmp_path: Path) -> str:
    path = tmp_path / "answer"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    assert web.serve(request, descriptor, database, FakeEngine()) == 0
    os.close(descriptor)
    return path.read_text()


def post(query: str, **others: str) -> Request:
    return Request("interpreter", body=query.encode(), **others)  # type: ignore[arg-type]


def test_an_empty_answer_in_each_format(database: Database, tmp_path: Path) -> None:
    xml = cgi(post("data=node(1);out;"), database, tmp_path)
    assert xml.startswith(XML_HEAD + '<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6" generator="')
    assert xml.endswith('<meta osm_base="2026-11-21T00:00:00Z"/>\n\n\n</osm>\n')
    json = cgi(post("data=[out:json];node(1);out;&jsonp=f"), database, tmp_path)
    assert json.startswith("Content-type: application/json\n\nf({\n")
    assert cgi(post("data=[out:csv(name)];node(1);out;"), database, tmp_path) == "Content-type: text/csv\n\nname\n"


def test_headers_for_browsers(database: Database, tmp_path: Path) -> None:
    answer = cgi(post("data=out;", origin="https://a.example", requested_headers="X-A"), database, tmp_path)
    expected = "Access-Control-Allow-Headers: X-A\nAccess-Control-Allow-Origin: *\nAccess-Control-Max-Age: 600\n"
    assert answer.startswith(expected + XML_HEAD)


def test_rejected_queries_are_pages(database: Database, tmp_path: Path) -> None:
    answer = cgi(post("data=foo;\n"), database, tmp_path)
    assert answer.encode() == b"Status: 400 Bad Request\nContent-type: text/html; charset=utf-8\n\n" + error_document(
        ['line 1: parse error: Unknown type "foo"', "line 1: parse error: An empty query is not allowed"]
    )
    assert "encoding error: Your input contains only whitespace." in cgi(post(""), database, tmp_path)
    jsonp = cgi(post("data=[out:json];out;&jsonp=a-b"), database, tmp_path)
    assert jsonp.startswith("Status: 400 Bad Request\n")


def test_head_and_options(database: Database, tmp_path: Path) -> None:
    head = Request("interpreter", method="HEAD", query_string=b"data=[out:json];out;")
    assert cgi(head, database, tmp_path) == "Content-type: application/json\n\n"
    bad = Request("interpreter", method="HEAD", query_string=b"data=foo;")
    assert cgi(bad, database, tmp_path) == "Status: 400 Bad Request\nContent-type: text/html; charset=utf-8\n\n"
    options = cgi(Request("interpreter", method="OPTIONS"), database, tmp_path)
    assert options == ("Access-Control-Allow-Methods: GET, POST, OPTIONS\nContent-Length: 0\n" + XML_HEAD)


@pytest.mark.parametrize(
    ("order", "remark"),
    [
        ("timeout", 'runtime error: Query timed out in "query" at line 1 after 180 seconds.'),
        (
            "memory",
            'runtime error: Query ran out of memory in "query" at line 1.',
        ),
        ("corrupt", "runtime error: nodes.bin: bad checksum at offset 4096"),
        ("broken", "runtime error: Query failed with the exception: 'bug'"),
    ],
)
def test_failures_within_the_answer_are_remarks(database: Database, tmp_path: Path, order: str, remark: str) -> None:
    assert cgi(post(f"data=node[{order}];out;"), database, tmp_path).endswith(REMARK.format(remark))
    assert f'"remark": "{remark}"'.replace('"query"', r"\"query\"") in cgi(
        post(f"data=[out:json];node[{order}];out;"), database, tmp_path
    )


def test_what_a_statement_has_told_is_not_told_again(database: Database, tmp_path: Path) -> None:
    answer = cgi(post("data=node[incomplete];out;"), database, tmp_path)
    assert answer.endswith("\n<remark> runtime error: one </remark>\n\n</osm>\n") and answer.count("<remark>") == 1


def test_a_missing_database_is_told(tmp_path: Path) -> None:
    answer = cgi(post("data=out;"), Database(str(tmp_path / "missing"), direct=True), tmp_path)
    assert answer.startswith("Status: 500 Internal Server Error\n")


def test_without_a_dispatcher(tmp_path: Path) -> None:
    database = Database(str(tmp_path))
    answer = cgi(post("data=out;"), database, tmp_path)
    assert answer.startswith("Status: 504 Gateway Timeout\nRetry-After: 30\nContent-type: text/html; charset=utf-8\n\n")
    assert "runtime error: The dispatcher (i.e. the database management system) is turned off. </p>" in answer
    status = cgi(Request("status", method="GET"), database, tmp_path)
    assert status == (
        "Access-Control-Allow-Origin: *\nStatus: 504 Gateway Timeout\nRetry-After: 30\n"
        "Content-type: text/plain; charset=utf-8\n\n"
        "open64: 2 No such file or directory /osm3s_osm_base Dispatcher_Client::1. Probably the server is down.\n"
    )


def test_status_of_a_database_without_limits(database: Database, tmp_path: Path) -> None:
    page = cgi(Request("status", method="GET", remote_addr="1.2.3.4"), database, tmp_path)
    head, _, body = page.partition("\n\n")
    lines = body.split("\n")
    assert head == "Access-Control-Allow-Origin: *\nContent-type: text/plain; charset=utf-8"
    assert lines[0] == "Connected as: 16909060"
    assert lines[2:] == [
        "Announced endpoint: none",
        "Rate limit: 0",
        "64 slots available now.",
        "Currently running queries (pid, space limit, time limit, start time):",
        "",
    ]


def test_the_announced_endpoint_and_the_timestamp(database: Database, tmp_path: Path) -> None:
    (tmp_path / "server_name").write_text("https://a.example/api\n")
    (tmp_path / "osm_base_version").write_text("2026-11-21T20:40:38Z\n")
    assert "Announced endpoint: https://a.example/api/\n" in cgi(Request("status"), database, tmp_path)
    timestamp = cgi(Request("timestamp"), database, tmp_path)
    assert timestamp == "Access-Control-Allow-Origin: *\nContent-type: text/plain\n\n2026-11-21T20:40:38Z\n"


@pytest.mark.parametrize(
    ("reason", "status", "text"),
    [
        ("rate_limited", 429, "::rate_limited. Please check /api/status for the quota of your IP address."),
        ("timeout", 504, "::timeout. The server is probably too busy to handle your request."),
        ("duplicate_query", 429, "::duplicate_query"),
        ("protocol_error", 504, "::protocol_error"),
    ],
)
def test_texts_of_refusals(reason: str, status: int, text: str) -> None:
    origin = "Dispatcher_Client::request_read_and_idx"
    refusal = refusal_of(DispatcherError("no", f"{origin}::{reason}"))
    assert refusal == (status, f"open64: 0 Success /osm3s_osm_base {origin}{text}")


# --- console ----------------------------------------------------------------------------------------------------------


def console(arguments: list[str], query: str, database: Database, tmp_path: Path) -> tuple[int, str, str]:
    paths = tmp_path / "out", tmp_path / "err"
    descriptors = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for path in paths]
    request = Request("osm3s_query", "console", body=query.encode(), arguments=tuple(arguments))
    status = osm3s_query.answer(request, descriptors, database, FakeEngine())
    for descriptor in descriptors:
        os.close(descriptor)
    return status, paths[0].read_text(), paths[1].read_text()


def test_console_remarks_and_verbosity(database: Database, tmp_path: Path) -> None:
    status, out, err = console([], "node(1);out;", database, tmp_path)
    assert (status, out[:6]) == (0, "<?xml ")
    assert err == (
        "encoding remark: Please enter your query and terminate it with CTRL+D.\n"
        "runtime remark: Timeout is 180 and maxsize is 536870912.\n"
    )
    assert console(["--concise"], "node(1);out;", database, tmp_path)[2] == ""
    assert console(["--request=foo;"], "", database, tmp_path)[2].startswith("line 1: parse error: Unknown type")
    assert console(["--quiet"], "foo;", database, tmp_path) == (0, "", "")


@pytest.mark.parametrize(
    ("order", "status", "message"),
    [
        ("timeout", 2, 'runtime error: Query timed out in "query" at line 1 after 180 seconds.\n'),
        ("memory", 2, 'runtime error: Query run out of memory in "query" at line 1.\n'),
        ("corrupt", 1, "runtime error: nodes.bin: bad checksum at offset 4096\n"),
        ("broken", 4, "runtime error: Query failed with the exception: 'bug'\n"),
    ],
)
def test_console_failures_leave_the_document_open(
    database: Database, tmp_path: Path, order: str, status: int, message: str
) -> None:
    got, out, err = console(["--concise"], f"node[{order}];out;", database, tmp_path)
    assert (got, err) == (status, message)
    assert "</osm>" not in out


def test_console_translations(database: Database, tmp_path: Path) -> None:
    assert console(["--dump-compact-ql"], "node( 1 ); out;", database, tmp_path)[1] == "node(1);out;\n"
    assert "<id-query" in console(["--dump-xml"], "node( 1 ); out;", database, tmp_path)[1]
    assert console(["--dump-xml", "--concise"], "foo;", database, tmp_path)[0] == 0


def test_console_usage(database: Database, tmp_path: Path) -> None:
    assert console(["--nonsense"], "", database, tmp_path)[0] == 1
    assert console(["--db-dir="], "", database, tmp_path)[0] == 1
    assert console([], "out;", Database(str(tmp_path)), tmp_path)[0] == 1  # no dispatcher


# --- in memory --------------------------------------------------------------------------------------------------------


def test_errors_of_the_library(database: Database) -> None:
    def ask(text: str, format: str = "") -> bytes:
        door = MemoryDoor()
        frontend.answer(frontend.Query(Form(text), format=format), database, door, FakeEngine())
        return door.sink.data()

    assert ask("node(1);out;").startswith(b"<?xml")
    assert ask("[out:xml];node(1);out;", format="json").startswith(b"{\n")
    with pytest.raises(QueryRejected) as rejected:
        ask("foo;")
    assert Message("parse error", 1, 'Unknown type "foo"').text == rejected.value.messages[0].text
    with pytest.raises(QueryTimeout):
        ask("node[timeout];out;")
    with pytest.raises(QueryFailed):
        ask("node[regex];out;")


@pytest.mark.parametrize(("granted", "versions"), [(3, [4]), (4, [4]), (5, [4, 5])])
def test_a_snapshot_opened_before_the_grant_is_replaced_when_outdated(
    granted: int, versions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[int] = []

    class Versions(FakeEngine):
        def open_snapshot(self, db_dir: str) -> FakeSnapshot:
            snapshot = FakeSnapshot(db_dir, versions[len(closed)])
            monkeypatch.setattr(FakeSnapshot, "close", lambda self: closed.append(self.txn_id))
            return snapshot

    class Permission:
        root = "db"

        def wait(self) -> int:
            return granted

    settings = Settings.of(ql.parse("node(1);"))
    with frontend._snapshot(Permission(), settings, MemoryDoor(), Versions()) as snapshot:  # type: ignore[arg-type]
        assert snapshot.txn_id == versions[-1]
        assert closed == versions[:-1]
    assert closed == versions
