"""The query editor: a page for people, and what belongs to it. It works without any other server."""

from __future__ import annotations

from pathlib import Path

from osm3s.serve.page import HTML, Page
from osm3s.serve.request import Database, Request

SCRIPT = "text/javascript; charset=utf-8"
TYPES = {".html": HTML, ".css": "text/css; charset=utf-8", ".mjs": SCRIPT, ".js": SCRIPT}
HEADERS = (
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options: nosniff",
    "Referrer-Policy: no-referrer",
    "Cache-Control: no-cache",
)
"""What the page may do: nothing but ask the server it comes from."""


def file(request: Request, _database: Database) -> Page:
    """The file of the editor that the door names; 404 if the build could not get it."""
    path = Path(__file__).with_name(request.door)
    try:
        return Page(path.read_text("utf-8"), TYPES[path.suffix], headers=HEADERS)
    except FileNotFoundError:
        return Page("This server was built without it.\n", status=404, headers=HEADERS)
