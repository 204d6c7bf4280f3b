"""The HTML document that carries errors to a web client, byte for byte as clients pick it apart."""

from __future__ import annotations

from collections.abc import Iterable

from osm3s.constants import COPYRIGHT
from osm3s.output.markup import HTML_END, error_paragraph, html_begin


def error_document(errors: Iterable[str]) -> bytes:
    """One paragraph per error; a text starts with its kind, for instance "line 1: parse error: "."""
    page = f"{html_begin()}\n<p>{COPYRIGHT}</p>\n{''.join(map(error_paragraph, errors))}{HTML_END}"
    return page.encode("utf-8", "surrogateescape")
