"""The query that a request to one of the query doors means, in the form in which `interpreter` would get it."""

from __future__ import annotations

from collections.abc import Callable

from osm3s.errors import XapiError
from osm3s.ql.request import OPTIONS_QUERY, body_as_read
from osm3s.ql.xapi import to_overpass_xml
from osm3s.serve import augmented_diffs
from osm3s.serve.page import Page
from osm3s.serve.request import Request

MAP_CALL = b"[bbox];(node(bbox);way(bn);node(w););(._;(rel(bn)->.a;rel(bw)->.a;);rel(br););out meta;"
"""What an editor loads for a box: nodes, the ways at them with their nodes, the relations of both, their relations."""

Form = bytes | Page
"""What `decode_form` takes; or a page, where the request is none or there is an answer already."""


def _interpreter(request: Request) -> Form:
    raw = body_as_read(request.body) if request.needs_body else request.query_string
    return OPTIONS_QUERY.encode() if request.method == "OPTIONS" and not raw.strip() else raw


def _map(request: Request) -> Form:
    return b"data=" + MAP_CALL + b"&" + request.form


def _xapi(request: Request, force_meta: bool = False) -> Form:
    predicate = request.xapi_predicate
    debug = predicate.startswith("debug")
    predicate = predicate[len("debug") + 1 :] if debug else predicate
    try:
        query = to_overpass_xml(predicate, force_meta)
    except XapiError as error:
        return Page(f"Error in [{predicate}]:\n{error}\n", status=400)
    return Page(f"[{predicate}]\n{query}\n") if debug else body_as_read(query.encode("utf-8", "surrogateescape"))


def _xapi_meta(request: Request) -> Form:
    return _xapi(request, force_meta=True)


QUERIES: dict[str, Callable[[Request], Form]] = {
    "interpreter": _interpreter,
    "map": _map,
    "xapi": _xapi,
    "xapi_meta": _xapi_meta,
    "augmented_diff": augmented_diffs.query,
}
