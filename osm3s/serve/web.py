"""The web door: what CGI and HTTP have in common, from the raw request to the bytes of the answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from osm3s.errors import DispatcherError, Message, QueryIncomplete, QueryRejected
from osm3s.eval.explanation import Explanation
from osm3s.ffi.sink import Sink
from osm3s.output.writer import Writer
from osm3s.ql.request import decode_form
from osm3s.serve import admission
from osm3s.serve.child import REHEARSAL, WARM_UP, outlive_client
from osm3s.serve.frontend import Engine, Query, answer
from osm3s.serve.limits import limit_execution, limits_restored
from osm3s.serve.page import Page
from osm3s.serve.pages import PAGES
from osm3s.serve.queries import QUERIES
from osm3s.serve.refusal import open64, refusal_of
from osm3s.serve.request import Database, Request
from osm3s.serve.response import WebResponse
from osm3s.serve.reuse import process
from osm3s.serve.slow_log import unlogged

REHEARSED_QUERY = (
    b'data=[out:json][timeout:25];(node(1);way(1);rel(1);nwr[name=a](0,0,0.001,0.001);way[a~"^b|c$"];node[name](around:9,0,0););'
    b"out body;>;out skel qt;area[name=a]->.a;is_in(0,0)->.b;area.b[b];rel(pivot.a);nwr(area.a)[name];out;out count;"
)
"""The words that most queries use, on hardly any data."""
WARM_UP_QUERIES = (
    REHEARSED_QUERY,
    b"data=[out:json];node(1);out;",
    b"data=[out:json];way(1);out geom;",
    b"data=[out:json];relation(1);out meta;",
    b"data=[out:json][timeout:25];relation[type=multipolygon];out count;",
    b"data=[out:json];nwr[a=b](1,1,2,2);out center;",
    b"data=[bbox:1,1,2,2];(node;way[a];<;);out meta qt;",
    b"data=[out:csv(::id,name;false)];nwr[~a~b];out;",
    b"data=[out:json];area[name=a]->.a;(node(area.a)[a=b];way(area.a)[a];rel(area.a););out;",
    b"data=[out:json];is_in(1,1)->.a;area.a[admin_level];out tags;rel(1);map_to_area;out;",
    b"data=way(1,1,2,2)(if:is_closed()||t['a']==1);for(t['a']){make c n=_.val,m=count(ways);out;}convert d ::=::;out;",
)


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

    def failed(self, writer: Writer, error: BaseException, text: str) -> int:
        if not isinstance(error, QueryIncomplete):
            writer.remark(text)
        self._end(writer)
        return 0

    def complete(self, writer: Writer, finished: Callable[[], None]) -> int:
        outlive_client()
        self._end(writer)
        finished()
        self.response.finish()  # now: the client need not wait until the snapshot is closed
        return 0

    def _end(self, writer: Writer) -> None:
        if not self.response.started:
            content_type, location = writer.head()
            self.response.start(200 if location is None else 302, content_type, location)
        writer.footer()


def serve(request: Request, descriptor: int, database: Database, engine: Engine) -> int:
    """Answer a web request on the descriptor; returns the exit status, for HTTP that of the response."""
    sink = Sink(descriptor)
    response = WebResponse(request, sink)
    if request.door in QUERIES:
        _query(request, database, WebDoor(response, sink), engine)
    elif request.door == WARM_UP:
        _warm_up(descriptor)
    elif request.door == REHEARSAL:
        _rehearse(descriptor, database, engine)
    elif request.door in PAGES:
        _page(request, database, response)
    else:
        response.refuse(404, [f"There is nothing at {request.door}."])
    response.finish()
    return response.exit_status


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


def _warm_up(descriptor: int) -> None:
    """Answer queries of all kinds on an empty map."""
    from osm3s.serve.engine import EMPTY  # here: who answers but one query never needs it

    nowhere = Database("")
    for query in WARM_UP_QUERIES:
        with admission.rehearsing(nowhere), process.rehearsing(), limits_restored(), unlogged():
            serve(Request("interpreter", transport="http", body=query), descriptor, nowhere, EMPTY)


def _rehearse(descriptor: int, database: Database, engine: Engine) -> None:
    """Leaves the database open and the dispatcher connected for the query that comes."""
    with admission.rehearsing(database), process.rehearsing(), limits_restored(), unlogged():
        serve(Request("interpreter", transport="http", body=REHEARSED_QUERY), descriptor, database, engine)
    admission.prepare(database)
