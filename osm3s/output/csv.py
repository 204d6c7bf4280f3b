"""Answers as a table (spec: overpass-language.md 8.4).

`[out:csv(field,...;header;separator)]`: a table with a line for each element. Fields are keys, or properties: `::id
::type ::otype ::lat ::lon ::version ::timestamp ::changeset ::uid ::user ::count`. Errors are not told.

Example: `[out:csv(::type,::id,name;true;",")];nwr[name](50,6,52,8);out;`
Cost: less than that of other formats.
"""

from __future__ import annotations

from osm3s.ffi.sink import Sink
from osm3s.output.derived import Derived, coordinate
from osm3s.output.elements import ElementWriter
from osm3s.output.print_options import Box, PrintOptions
from osm3s.ql.formats import CsvConfig

_COUNT_TAGS = {
    "count": "total",
    "count:nodes": "nodes",
    "count:ways": "ways",
    "count:relations": "relations",
    "count:areas": "areas",
}
_OTYPE_OF_DERIVED = "4"


def quoted(text: str) -> str:
    """The text, in quotes if it has a comma, a quote or a line feed; the separator does not matter."""
    if any(special in text for special in ',"\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


class CsvWriter(ElementWriter):
    """Remarks have no place in a table; they are dropped, as in the reference."""

    format = "csv"
    content_type = "text/csv"

    def __init__(self, sink: Sink, config: CsvConfig) -> None:
        super().__init__(sink)
        self.fields = config.fields
        self.separator = config.separator
        self._with_header = config.header

    def header(self, osm_base: str, areas_base: str | None = None, bbox: Box | None = None) -> None:
        if self._with_header:
            self._row([("@" if special else "") + quoted(name) for name, special in self.fields])

    def derived(self, element: Derived, options: PrintOptions) -> None:
        self._row([self._value(element, name, special, options) for name, special in self.fields])

    def _value(self, element: Derived, name: str, special: bool, options: PrintOptions) -> str:
        if not special:
            return quoted(element.tag(name) or "") if options.tags else ""
        if name == "id":
            return str(element.id) if options.ids else ""
        if name == "type":
            return element.type
        if name == "otype":
            return _OTYPE_OF_DERIVED
        if name in ("lat", "lon"):
            bounds = element.geometry.bounds if element.geometry and options.coordinates else None
            return coordinate(bounds.center[name == "lon"]) if bounds else ""
        if name in _COUNT_TAGS and element.type == "count":
            return element.tag(_COUNT_TAGS[name]) or "0"
        return ""

    def _row(self, values: list[str]) -> None:
        self.sink.write(self.separator.join(values) + "\n")

    def remark(self, text: str) -> None:
        pass

    def footer(self) -> None:
        pass
