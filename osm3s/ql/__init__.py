"""The query language: text in, tree or messages out. Needs no database and no compiler.

root = ql.parse(text)             # raises QueryRejected with all messages
settings = Settings.of(root)      # osm3s.ql.settings
print(ql.to_compact_ql(root))
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from osm3s.errors import Message, QueryRejected

from .diagnostics import Diagnostics, explain
from .factory import CheckRegex, Factory
from .tokens import encodable
from .tree import Element, Script

__all__ = [
    "Element",
    "Script",
    "completion_remark",
    "explain_errors",
    "is_xml",
    "parse",
    "read",
    "to_bbox_ql",
    "to_compact_ql",
    "to_pretty_ql",
    "to_xml",
]

_FRAMES = 20_000
"""Enough for the deepest tree that MAX_NESTING admits: a few calls for each statement and each evaluator."""


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Python code nested this deep does not use the C stack, so the usual limit is not needed."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _decoded(text: str | bytes) -> str:
    return text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else encodable(text)


def is_xml(text: str) -> bool:
    """Whether the text counts as Overpass XML: its first visible character is `<`."""
    return text.lstrip(" \t\n\v\f\r").startswith("<")


def read(
    text: str | bytes, *, check: bool = True, check_regex: CheckRegex | None = None, check_settings: bool = True
) -> tuple[Script, list[Message]]:
    """What can be made of a text in either language, and the messages about it in the order in which they arise.

    See `parse` for the arguments; `check_settings` false leaves the root alone out of `check`. A tree with messages is
    fit for printing only.
    Raises QueryRejected if the text is so far from a query that reading was given up.
    """
    source = _decoded(text)
    diagnostics = Diagnostics()
    factory = Factory(diagnostics, check, check_regex, check_settings)
    with _deep_recursion():
        if is_xml(source):
            from .xml_reader import complete_xml, read_xml

            return read_xml(complete_xml(source)[0], factory), diagnostics.messages
        from .statements import StatementReader

        return StatementReader(source, factory).script(), diagnostics.messages


def parse(text: str | bytes, *, check: bool = True, check_regex: CheckRegex | None = None) -> Script:
    """Read a query in either language; the root is an `osm-script`.

    XML without declaration or root is completed first. With `check` false, only what the reference needs for a
    translation is checked: the values of most attributes are then taken as they come. `check_regex` takes a
    pattern (and whether it is case-sensitive) and returns the beginning of a complaint, or ""; the default asks the C
    library.
    Invalid UTF-8 is kept as surrogate escapes. Raises QueryRejected with all messages in the order they arise.
    """
    root, messages = read(text, check=check, check_regex=check_regex)
    if messages:
        raise QueryRejected(messages)
    return root


def explain_errors(text: str | bytes, messages: Sequence[Message]) -> str:
    """The messages for people: each with the line of the text it speaks of and a mark at the column."""
    source = _decoded(text)
    if is_xml(source):
        from .xml_reader import complete_xml

        source = complete_xml(source)[0]
    return explain(source, messages)


def completion_remark(text: str) -> str | None:
    """What the reference says, after "encoding remark: ", if it completes an XML text and so shifts line numbers."""
    if not is_xml(text):
        return None
    from .xml_reader import completion_remark as remark

    return remark(text)


def to_xml(root: Script) -> str:
    """The query as Overpass XML."""
    from .print_xml import to_xml as print_xml

    with _deep_recursion():
        return print_xml(root)


def to_pretty_ql(root: Script) -> str:
    """The query as QL with a line for each statement."""
    from .print_ql import to_pretty_ql as print_pretty

    with _deep_recursion():
        return print_pretty(root)


def to_compact_ql(root: Script) -> str:
    """The query as QL in one line."""
    from .print_ql import to_compact_ql as print_compact

    with _deep_recursion():
        return print_compact(root)


def to_bbox_ql(root: Script) -> str:
    """The query as QL with `(bbox)` where a map client fills in its viewport."""
    from .print_ql import to_bbox_ql as print_bbox

    with _deep_recursion():
        return print_bbox(root)
