"""`template`: a template of the output format custom, as a page."""

from __future__ import annotations

from pathlib import Path

from osm3s.paths import DatabaseDir
from osm3s.ql.print_xml import escape_xml
from osm3s.ql.request import form_fields
from osm3s.serve.page import HTML, Page, html_document
from osm3s.serve.request import Database, Request
from osm3s.serve.status import database_root

TITLE = "OSM3S Template"
PREFIX = "Template:"


def template(request: Request, database: Database) -> Page:
    """`action=show` shows the template `name`. Putting one there is up to who runs the server: whoever could do it
    from outside could fill the disk. Raises DispatcherError."""
    fields = form_fields(request.form)
    name = fields.get(b"name", b"").decode("utf-8", "surrogateescape")
    action = fields.get(b"action", b"")
    if not name.startswith(PREFIX):
        return _page(f"<p>Template name &quot;{escape_xml(name)}&quot; doesn't start with &quot;{PREFIX}&quot;.</p>\n")
    if "/" in name or "\0" in name:
        return _page("<p>The name of a template must not contain slashes.</p>\n", 400)
    heading = f"<h1>Template &quot;{escape_xml(name)}&quot;</h1>\n"
    if action == b"fetch":
        return _page(f"{heading}<p>Templates are not fetched from here: ask who runs this server.</p>\n", 403)
    if action != b"show":
        return _page("<p>The action must be &quot;show&quot;.</p>\n", 400)
    try:
        text = Path(DatabaseDir(database_root(database)).templates, name).read_text("utf-8", "surrogateescape")
    except OSError:
        return _page(f"{heading}<p>Template not found.</p>\n", 404)
    return _page(f"{heading}<pre>\n\n{escape_xml(text)}</pre>\n")


def _page(body: str, status: int = 200) -> Page:
    return Page(html_document(TITLE, body), HTML, status)
