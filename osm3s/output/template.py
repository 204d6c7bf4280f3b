"""Templates of the format custom (spec: overpass-language.md 8.5).

A template is text with places to fill in: `{{{name}}}` is replaced by a value, `{{name:text}}` by what becomes of the
text. What has another name stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Values = Mapping[str, str]
Blocks = Mapping[str, Callable[[str], str]]

NOT_FOUND = "\n<p>Template not found.</p>\n"


_BLOCK = re.compile(r"\{\{(node|way|relation):")
_NAME = re.compile(r"\{\{\{([a-z]+)\}\}\}")
_NAMED_BLOCK = re.compile(r"\{\{([a-z]+):")
_BRACES = re.compile(r"\{\{\{?|\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    """What a template file says: the text in front of the elements, and how an element of each type is shown."""

    header: str
    elements: dict[str, str]
    """By "node", "way" and "relation"."""
    has_script: bool


def read_template(path: str) -> Template:
    """A file that cannot be read counts as a template that says so."""
    try:
        with open(path, "rb") as file:
            return parse_template(file.read().decode("utf-8", "surrogateescape") + "\n")
    except (OSError, ValueError):
        return parse_template("")


def parse_template(text: str) -> Template:
    """What follows the first block for elements is not shown, but for further such blocks."""
    _, marked, included = text.partition("<includeonly>")
    if marked:
        text = included.partition("</includeonly>")[0]
    has_script = "<script" in text
    text = text or NOT_FOUND
    elements = {type_: f"\n<p>No {{{{{type_}:..}}}} found in template.</p>\n" for type_ in ("node", "way", "relation")}
    block = _BLOCK.search(text)
    header = text[: block.start()] if block else text
    while block:
        end = block_end(text, block.start())
        if end is None:
            break
        elements[block[1]] = text[block.end() : end - 2]
        block = _BLOCK.search(text, end)
    return Template(header, elements, has_script)


def block_end(text: str, start: int) -> int | None:
    """Where the braces are closed that open at `start`; None if they are not."""
    closing: list[str] = []
    position = start
    while braces := _BRACES.search(text, position):
        position = braces.start()
        if braces[0] != "}}":
            closing.append("}" * len(braces[0]))
            position = braces.end()
        elif text.startswith(closing[-1], position):
            position += len(closing.pop())
            if not closing:
                return position
        else:
            position += 1  # two braces do not close three
    return None


def render(text: str, values: Values, blocks: Blocks) -> str:
    """Fill in what is named; where braces are not closed, the rest stays as it is."""
    pieces = []
    position = 0
    while (start := text.find("{{", position)) >= 0:
        end = block_end(text, start)
        if end is None:
            break
        pieces += [text[position:start], _filled_in(text[start:end], values, blocks)]
        position = end
    return "".join([*pieces, text[position:]])


def _filled_in(place: str, values: Values, blocks: Blocks) -> str:
    if (name := _NAME.fullmatch(place)) and name[1] in values:
        return values[name[1]]
    if (block := _NAMED_BLOCK.match(place)) and block[1] in blocks:
        return blocks[block[1]](place[block.end() : -2])
    return place


def block_in(text: str, name: str) -> str | None:
    """The text of the first block `{{name:text}}` in a text; None if it has none."""
    opening = f"{{{{{name}:"
    start = text.find("{{")
    while start >= 0 and (end := block_end(text, start)) is not None:
        if text.startswith(opening, start):
            return text[start + len(opening) : end - 2]
        start = text.find("{{", end)
    return None
