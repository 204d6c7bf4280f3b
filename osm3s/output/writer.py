"""The interface of the output formats."""

from __future__ import annotations

from typing import Protocol

from osm3s.ffi.out import Handle, Users
from osm3s.ffi.sink import Sink
from osm3s.output.csv import CsvWriter
from osm3s.output.derived import Derived
from osm3s.output.json import JsonWriter
from osm3s.output.print_options import Box, PrintOptions
from osm3s.output.xml import XmlWriter
from osm3s.ql.formats import CsvConfig, FormatConfig


class Writer(Protocol):
    """One answer: header, then elements, derived objects and remarks in any order, then footer.

    Everything goes into `sink`, which the owner flushes. What the methods raise is what the sink raises.
    """

    sink: Sink
    content_type: str

    def header(self, osm_base: str, areas_base: str | None = None, bbox: Box | None = None) -> None:
        """`osm_base`: data timestamp; `areas_base`: timestamp of the areas if the request uses areas; `bbox`: the
        global bounding box of the request."""

    def elements(
        self,
        snapshot: Handle | None,
        set_: Handle,
        options: PrintOptions,
        members: Handle | None = None,
        users: Users | None = None,
        context: Handle | None = None,
    ) -> int:
        """See ElementWriter.elements."""

    def derived(self, element: Derived, options: PrintOptions) -> None:
        """Print an object that is not an element of the map; areas are of type "area" and have no geometry."""

    def remark(self, text: str) -> None:
        """`text` is a whole message: "runtime error: ..."."""

    def footer(self) -> None: ...


def writer_for(format_: str, config: FormatConfig, sink: Sink, jsonp: str | None = None) -> Writer:
    """The writer of "xml", "json" or "csv"; `config` is what the request says about the format."""
    if format_ == "json":
        return JsonWriter(sink, jsonp)
    if format_ == "csv":
        return CsvWriter(sink, config if isinstance(config, CsvConfig) else CsvConfig())
    if format_ == "xml":
        return XmlWriter(sink)
    raise ValueError(f"no writer prints the format {format_!r}")
