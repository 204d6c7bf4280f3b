"""A small page: what is answered where no query runs."""

from __future__ import annotations

from dataclasses import dataclass

PLAIN_TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer."""

    text: str
    content_type: str = PLAIN_TEXT
    status: int = 200
    location: str | None = None
    """Where to go instead."""
    headers: tuple[str, ...] = ()
    """Further lines of the head."""


def html_document(title: str, body: str) -> str:
    """The frame that the pages for people have in common; `body` is markup."""
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"
\t"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
<head>
  <meta http-equiv="content-type" content="text/html; charset=utf-8" lang="en"></meta>
  <title>{title}</title>
</head>
<body>

{body}
</body>
</html>


"""
