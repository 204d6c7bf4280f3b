"""Answers in the format popup: a page of elements in categories (spec: overpass-language.md 8.6).

`[out:popup("title";[k=v][k]...;...;"key";)...]`: a page with a category for each pair of parentheses. An element
stands in the first one of which it passes all tests of a group; the tag of the key is its name.

Example: `[out:popup("Named";[name];"name";)("Streets";[highway];)];nwr(50,6,52,8);out;`
Cost: some ten microseconds for each element; the page is kept in memory until it is complete.
"""

from __future__ import annotations

from typing import Any

from osm3s.ffi.out import RowPrinter, Rows, handle_of
from osm3s.ffi.regex import Regex
from osm3s.ffi.sink import Sink
from osm3s.output.decoded import Decoded, DecodedWriter
from osm3s.output.markup import HTML_CONTENT_TYPE, HTML_END, error_paragraph, escaped, html_begin
from osm3s.output.print_options import Box
from osm3s.ql.formats import PopupCategory, PopupConfig, PopupTest
from osm3s.ql.regex import size_here

Tags = dict[str, str]


class PopupWriter(DecodedWriter):
    """An element stands in the first category that accepts it."""

    content_type = HTML_CONTENT_TYPE

    def __init__(self, sink: Sink, config: PopupConfig) -> None:
        super().__init__(sink)
        self._categories = [_Category(category) for category in config.categories]
        self._errors = ""

    def header(self, osm_base: str, areas_base: str | None = None, bbox: Box | None = None) -> None:
        self.sink.write(html_begin())

    def print_rows(self, printer: RowPrinter, rows: Rows) -> int:
        """Raises QueryFailed also for an invalid regular expression."""
        for category in self._categories:
            category.compile(handle_of(rows.context))
        return super().print_rows(printer, rows)

    @property
    def held_bytes(self) -> int:
        return sum(category.held_bytes for category in self._categories)

    def element(self, element: Decoded) -> None:
        for category in self._categories:
            if category.accepts(element.get("tags")):
                category.add(element)
                return

    def remark(self, text: str) -> None:
        self._errors += error_paragraph(text)

    def footer(self) -> None:
        for category in self._categories:
            category.write(self.sink)
        self.sink.write(self._errors + HTML_END)


class _Category:
    """A heading and the paragraphs below it."""

    def __init__(self, category: PopupCategory) -> None:
        self._title = category.title
        self._title_key = category.title_key
        self._groups = [[_Test(test) for test in group] for group in category.groups]
        self._paragraphs: list[str] = []
        self.held_bytes = 0

    def compile(self, context: Any) -> None:
        for group in self._groups:
            for test in group:
                test.compile(context)

    def accepts(self, tags: Tags | None) -> bool:
        """If all tests of some group pass. None: tags are not asked for; nothing is known then."""
        return tags is not None and any(all(test.passes(tags) for test in group) for group in self._groups)

    def add(self, element: Decoded) -> None:
        tags: Tags = element.get("tags", {})
        name = tags.get(self._title_key, f"{element['type'].capitalize()} {element['id']}")
        link = _link(tags)
        anchor, end = (f'<a href="{escaped(link)}" target="_blank">', "</a>") if link else ("", "")
        lines = "".join(f"{escaped(key)}: {escaped(value)}<br/>\n" for key, value in tags.items())
        paragraph = f"\n<p>{anchor}<strong>{escaped(name)}</strong>{end}<br/>\n{lines}<p/>\n"
        self._paragraphs.append(paragraph)
        self.held_bytes += len(paragraph) + 64

    def write(self, sink: Sink) -> None:
        sink.write(f"\n<h2>{escaped(self._title)}</h2>")
        for paragraph in self._paragraphs:
            sink.write(paragraph)


class _Test:
    def __init__(self, test: PopupTest) -> None:
        self._key = test.key
        self._straight = test.straight
        self._pattern = test.value
        self._value: Regex | None = None

    def compile(self, context: Any) -> None:
        """`context` is that of the query, which lasts as long as the answer."""
        self._value = self._value or Regex(self._pattern, False, size_here(self._pattern), context)

    def passes(self, tags: Tags) -> bool:
        found = self._value is not None and self._key in tags and self._value.matches(tags[self._key])
        return found == self._straight


def _link(tags: Tags) -> str:
    """The address that stands in a tag, the secure ones first; of several the last."""
    for begin, prefix in (("https://", ""), ("http://", ""), ("www.", "http://")):
        for value in reversed(tags.values()):
            if value.startswith(begin):
                return prefix + value
    return ""
