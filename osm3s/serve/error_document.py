"""The HTML document that carries errors to a web client, byte for byte as clients pick it apart."""

from __future__ import annotations

from collections.abc import Iterable

from osm3s.constants import COPYRIGHT

PROLOG = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"
    "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
<head>
  <meta http-equiv="content-type" content="text/html; charset=utf-8" lang="en"/>
  <title>OSM3S Response</title>
</head>
<body>

<p>{COPYRIGHT}</p>
"""
EPILOG = "\n</body>\n</html>\n"

_ESCAPES = dict.fromkeys(range(32), "?") | {
    ord("&"): "&amp;",
    ord('"'): "&quot;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord("\n"): "&#x0a;",
    ord("\t"): "&#x09;",
    ord("\r"): "&#x0d;",
}


def error_document(errors: Iterable[str]) -> bytes:
    """One paragraph per error; a text starts with its kind, for instance "line 1: parse error: "."""
    paragraphs = (
        f'<p><strong style="color:#FF0000">Error</strong>: {error.translate(_ESCAPES)} </p>\n' for error in errors
    )
    return (PROLOG + "".join(paragraphs) + EPILOG).encode("utf-8", "surrogateescape")
