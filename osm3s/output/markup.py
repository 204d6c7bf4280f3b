"""Text in XML and HTML, and the frame of the pages that people read. Needs no native core."""

from __future__ import annotations

import re

HTML_CONTENT_TYPE = "text/html; charset=utf-8"

_CONTROL = dict.fromkeys(range(32), "?") | {ord("\n"): "&#x0a;", ord("\t"): "&#x09;", ord("\r"): "&#x0d;"}
_MARKUP = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
_ATTRIBUTE = _CONTROL | _MARKUP | {ord('"'): "&quot;"}


_to_be_escaped = re.compile(r'[\x00-\x1f&<>"]').search


def escaped(text: str) -> str:
    """The text as it stands between the quotes of an attribute."""
    return text.translate(_ATTRIBUTE) if _to_be_escaped(text) else text


def escaped_content(text: str) -> str:
    """The text as it stands between tags; quotes and control characters stay."""
    return text.translate(_MARKUP)


def html_begin(on_load: str = "") -> str:
    """All up to the start of the body, byte for byte as clients pick it apart; `on_load` is a script."""
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"
    "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
<head>
  <meta http-equiv="content-type" content="text/html; charset=utf-8" lang="en"/>
  <title>OSM3S Response</title>
</head>
<body{f' onload="{on_load}"' if on_load else ""}>
"""


HTML_END = "\n</body>\n</html>\n"


def error_paragraph(error: str) -> str:
    """An error in a page; its text starts with its kind, for instance "runtime error: "."""
    return f'<p><strong style="color:#FF0000">Error</strong>: {escaped(error)} </p>\n'
