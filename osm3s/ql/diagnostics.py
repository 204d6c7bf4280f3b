"""Complaints about a query text: collecting them in order, and showing them to people with the place in the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from osm3s.errors import Message, QueryRejected

MAX_MESSAGES = 10_000
"""Reading stops here; a text with more complaints is not a query."""

_MAX_SHOWN_WIDTH = 120


class Place(NamedTuple):
    """Line as the reference counts it and column, both from 1; 0 if unknown."""

    line: int
    column: int = 0


NOWHERE = Place(0)


class PlacedMessage(Message):
    """A message that also knows its column (from 1; 0 if unknown). Its text is that of the reference."""

    __slots__ = ("column",)

    def __init__(self, kind: str, line: int, text: str, column: int = 0) -> None:
        super().__init__(kind, line, text)
        self.column = column


class Diagnostics:
    """The messages of one text in the order in which they arise."""

    __slots__ = ("messages",)

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def parse_error(self, text: str, place: Place) -> None:
        self._add("parse error", text, place)

    def static_error(self, text: str, place: Place) -> None:
        self._add("static error", text, place)

    def encoding_error(self, text: str) -> None:
        self._add("encoding error", text, NOWHERE)

    def abort(self, text: str, place: Place) -> NoReturn:
        """Give up at once: reading on would only repeat the complaint."""
        self._add("parse error", text, place)
        raise QueryRejected(self.messages)

    def _add(self, kind: str, text: str, place: Place) -> None:
        self.messages.append(PlacedMessage(kind, place.line, text, place.column))
        if len(self.messages) >= MAX_MESSAGES:
            raise QueryRejected(self.messages)


def explain(text: str, messages: Sequence[Message]) -> str:
    """The messages, each followed by the line it speaks of and the column, marked and named, if it is known."""
    lines = text.split("\n")
    shown: list[str] = []
    for message in messages:
        shown.append(str(message))
        if not 1 <= message.line <= len(lines):
            continue
        line = lines[message.line - 1].rstrip("\r").replace("\t", " ")
        column = getattr(message, "column", 0)
        if not line.strip() and column:
            shown.append("  (end of the text)" if message.line >= len(text.rstrip().split("\n")) else "  |")
            continue
        start = max(0, column - _MAX_SHOWN_WIDTH // 2) if len(line) > _MAX_SHOWN_WIDTH else 0
        excerpt = line[start : start + _MAX_SHOWN_WIDTH]
        shown.append(f"  | {excerpt}")
        if column:
            shown.append("  | " + " " * (min(column, len(line) + 1) - 1 - start) + f"^ column {column}")
    return "\n".join(shown) + ("\n" if shown else "")
