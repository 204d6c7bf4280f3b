"""`convert` and `convert_xapi`: a query in another notation."""

from __future__ import annotations

from collections.abc import Callable

from osm3s import ql
from osm3s.errors import XapiError
from osm3s.ql.print_xml import escape_xml
from osm3s.ql.request import escape, form_fields, from_console
from osm3s.ql.xapi import to_overpass_xml
from osm3s.serve.page import HTML, Page, html_document
from osm3s.serve.preparation import read_within_limits
from osm3s.serve.request import Database, Request

TARGETS: dict[str, tuple[str, Callable[[ql.Script], str]]] = {
    "xml": ("pretty XML", ql.to_xml),
    "mapql": ("pretty Overpass QL", ql.to_pretty_ql),
    "compact": ("compact Overpass QL", ql.to_compact_ql),
}
MAP_TARGETS = ("ol_fixed", "openlayers", "ol_bbox")
"""Targets that ask for a map with the result: the query editor shows one."""


def convert(request: Request, _database: Database) -> Page:
    """The query `data` as `target`. Raises QueryRejected if it is none."""
    fields = form_fields(request.form)
    target = fields.get(b"target", b"").decode("latin-1")
    text = fields.get(b"data", b"").decode("utf-8", "surrogateescape")
    if target in MAP_TARGETS:
        return Page("", HTML, 302, location=f"/?data={_link(_translated(text, ql.to_compact_ql))}")
    body = "<h1>Overpass API Converted Query</h1>\n\n"
    if target in TARGETS:
        notation, printer = TARGETS[target]
        query = _translated(text, printer)
        shown = f"<pre>\n{escape_xml(query)}</pre>"
        if target == "compact":
            shown = f'<a href="interpreter?data={_link(query)}">{shown}</a>'
        body += f"<p>Your query in {notation}:</p>\n{shown}\n"
    return Page(html_document("OSM3S Converted Query", body), HTML)


def convert_xapi(request: Request, _database: Database) -> Page:
    """An XAPI predicate in the notation whose name stands in front of it, else in XML. Raises QueryRejected."""
    predicate = request.xapi_predicate
    target, debug = "xml", False
    for word in ("debug", *TARGETS):
        if predicate.startswith(word):
            predicate = predicate[len(word) + 1 :]
            target, debug = ("xml", True) if word == "debug" else (word, False)
            break
    try:
        query = to_overpass_xml(predicate)
    except XapiError as error:
        return Page(f"Error in [{predicate}]:\n{error}\n", status=400)
    notation, printer = TARGETS[target]
    shown = _translated(query, printer).removesuffix("\n")
    answer = f"Your query in {notation.replace('Overpass QL', 'OverpassQL')}:\n\n{shown}\n"
    return Page(f"[{predicate}]\n{query}\n{answer}" if debug else answer)


def _translated(text: str, printer: Callable[[ql.Script], str]) -> str:
    return read_within_limits(lambda query: printer(ql.parse(query, check=False)), from_console(text))


def _link(query: str) -> str:
    return escape(query.encode("utf-8", "surrogateescape"))
