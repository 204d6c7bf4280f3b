"""The interface of the output formats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from osm3s.ffi.out import Handle, RowPrinter, Users
from osm3s.ffi.sink import Sink
from osm3s.output.csv import CsvWriter
from osm3s.output.derived import Derived
from osm3s.output.elements import Head
from osm3s.output.json import JsonWriter
from osm3s.output.print_options import Box, PrintOptions
from osm3s.output.xml import XmlWriter
from osm3s.ql.formats import CsvConfig, FormatConfig, PopupConfig
from osm3s.ql.request import Request


class Writer(Protocol):
    """One answer: header, then elements, derived objects and remarks in any order, then footer.

    Everything goes into `sink`, which the owner flushes. What the methods raise is what the sink raises.
    """

    sink: Sink
    templates: str
    """Directory of page templates, to be set before the header."""

    @property
    def content_type(self) -> str | None:
        """None if `head` tells it at the end."""

    @property
    def held_bytes(self) -> int:
        """What is kept in memory until the footer."""

    def head(self) -> Head:
        """What stands before the body of the answer; asked for before the footer if `content_type` is None."""

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

    def printer(self, options: PrintOptions, members: Handle | None, users: Users | None) -> RowPrinter:
        """What prints single elements in this format."""

    def areas(self, snapshot: Handle, rows: Sequence[Any], options: PrintOptions, context: Handle | None) -> None:
        """See ElementWriter.areas."""

    def derived(self, element: Derived, options: PrintOptions) -> None:
        """Print an object that is not an element of the map; areas are of type "area" and have no geometry."""

    def remark(self, text: str) -> None:
        """`text` is a whole message: "runtime error: ..."."""

    def footer(self) -> None: ...


def writer_for(format_: str, config: FormatConfig, sink: Sink, form: Request | None = None) -> Writer:
    """The writer of a format; `config` is what the query says about it, `form` what the client says beside the query.

    Raises ValueError if there is no such format.
    """
    form = form or Request("")
    if format_ == "json":
        return JsonWriter(sink, form.jsonp or None)
    if format_ == "csv":
        return CsvWriter(sink, config if isinstance(config, CsvConfig) else CsvConfig())
    if format_ == "xml":
        return XmlWriter(sink)
    if format_ == "custom":
        from osm3s.output.custom import CustomWriter  # rare, and takes a while to load

        return CustomWriter(sink, form.redirect, form.template, form.url)
    if format_ == "popup":
        from osm3s.output.popup import PopupWriter

        return PopupWriter(sink, config if isinstance(config, PopupConfig) else PopupConfig())
    raise ValueError(f"no writer prints the format {format_!r}")
