"""The web door: what CGI and HTTP have in common, from the raw request to the bytes of the answer."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext, suppress

from osm3s import ql
from osm3s.errors import DispatcherError, Message, Osm3sError, QueryRejected
from osm3s.eval import support
from osm3s.eval.explanation import Explanation
from osm3s.ffi.sink import Sink
from osm3s.output.writer import Writer, writer_for
from osm3s.ql.request import decode_form
from osm3s.ql.settings import Settings
from osm3s.serve import admission
from osm3s.serve.child import REHEARSAL, WARM_UP
from osm3s.serve.frontend import Engine, Query, answer
from osm3s.serve.limits import limit_execution
from osm3s.serve.page import Page
from osm3s.serve.pages import PAGES
from osm3s.serve.queries import QUERIES
from osm3s.serve.refusal import open64, refusal_of
from osm3s.serve.request import Database, Request
from osm3s.serve.response import WebResponse

REHEARSED_QUERY = (
    b'data=[out:json][timeout:25];(node(1);nwr[name=a](0,0,0.001,0.001);way[a~"^b|c$"];node[name](around:9,0,0););'
    b"out body;>;out skel qt;out count;"
)
"""The words that most queries use, on hardly any data."""


class WebDoor:
    """A `Door` whose answers have a head, and whose errors are pages or remarks inside the answer."""

    def __init__(self, response: WebResponse, sink: Sink) -> None:
        self.response = response
        self.sink = sink

    def limit(self, timeout_s: int, maxsize_bytes: int) -> None:
        limit_execution(timeout_s, maxsize_bytes)

    def begin(self, content_type: str | None) -> None:
        self.response.start(200, content_type)

    def watching(self, explanation: Explanation) -> AbstractContextManager[None]:
        return nullcontext()

    def rejected(self, _query: str, messages: list[Message]) -> int:
        self.response.refuse(400, map(str, messages))
        return 0

    def refused(self, status: int, text: str, error: Exception) -> int:
        if isinstance(error, DispatcherError) and error.retry_after_s:
            self.response.retry_after_s = error.retry_after_s
        self.response.refuse(status, [text])
        return 0

    def explain(self, text: str) -> int:
        self.response.page(Page(text))
        return 0

    def failed(self, writer: Writer, _error: BaseException, text: str) -> int:
        writer.remark(text)
        self._end(writer)
        return 0

    def complete(self, writer: Writer) -> int:
        self._end(writer)
        self.response.finish()  # now: the client need not wait until the snapshot is closed
        return 0

    def _end(self, writer: Writer) -> None:
        if not self.response.started:
            content_type, location = writer.head()
            self.response.start(200 if location is None else 302, content_type, location)
        writer.footer()


def serve(request: Request, descriptor: int, database: Database, engine: Engine) -> int:
    """Answer a web request on the descriptor; returns the exit status."""
    sink = Sink(descriptor)
    response = WebResponse(request, sink)
    if request.door in QUERIES:
        _query(request, database, WebDoor(response, sink), engine)
    elif request.door in (WARM_UP, REHEARSAL):
        _rehearse(response, sink, database, engine if request.door == REHEARSAL else None)
    elif request.door in PAGES:
        _page(request, database, response)
    else:
        response.refuse(404, [f"There is nothing at {request.door}."])
    response.finish()
    return 0


def _query(request: Request, database: Database, door: WebDoor, engine: Engine) -> None:
    raw = QUERIES[request.door](request)
    if isinstance(raw, Page):
        door.response.page(raw)
        return
    try:
        form = decode_form(raw)
    except QueryRejected as rejected:
        door.rejected("", rejected.messages)
        return
    client = (request.remote_addr, request.api_key or form.api_key)
    query = Query(form, "", *client, web=True, validate_only=request.head_only)
    answer(query, database, door, engine)


def _page(request: Request, database: Database, response: WebResponse) -> None:
    """A preflight gets its headers and nothing else happens."""
    try:
        page = Page("") if request.method == "OPTIONS" else PAGES[request.door](request, database)
    except QueryRejected as rejected:
        response.refuse(400, map(str, rejected.messages))
    except DispatcherError as error:
        if request.door == "status":
            response.page(Page(f"{open64(error)}. Probably the server is down.\n", status=504))
        else:
            response.refuse(504, [f"runtime error: {refusal_of(error).text}"])
    else:
        response.page(page)


def _rehearse(response: WebResponse, sink: Sink, database: Database, engine: Engine | None) -> None:
    """What most queries go through; without an engine, as far as that needs no database."""
    script = ql.parse(decode_form(REHEARSED_QUERY).query)
    settings = Settings.of(script)
    support.check(script)
    response.start(200, "text/plain")
    writer = writer_for(settings.output, settings.csv, sink)
    writer.header("")
    if engine is not None:
        with suppress(Osm3sError):
            engine.rehearse(script, settings, database.root, writer)
            admission.prepare(database)
    writer.footer()
