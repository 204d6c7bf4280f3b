"""What the writers of all formats have in common: elements of the map are printed by the native core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from osm3s.ffi.out import Handle, RowPrinter, Rows, Users
from osm3s.ffi.sink import Sink
from osm3s.output.print_options import PrintOptions

ELEMENT_TYPES = (0, 1, 2)
"""Nodes, ways, relations, in the order in which they are printed."""


class Head(NamedTuple):
    """What stands before the body of an answer."""

    content_type: str | None
    location: str | None = None
    """Where the client is sent instead of an answer."""


class ElementWriter:
    """Prints sets of elements into a sink."""

    format = ""
    content_type: str | None = None
    """None if only the whole answer decides it."""
    fields: Sequence[tuple[str, bool]] = ()
    separator = "\t"

    templates = ""
    """Directory of the page templates; set before the header."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    @property
    def held_bytes(self) -> int:
        """What is kept in memory until the footer."""
        return 0

    def head(self) -> Head:
        """What the head of the answer says; known after the last element."""
        return Head(self.content_type)

    def elements(
        self,
        snapshot: Handle | None,
        set_: Handle,
        options: PrintOptions,
        members: Handle | None = None,
        users: Users | None = None,
        context: Handle | None = None,
    ) -> int:
        """Print the nodes, ways and relations of a set; return how many were printed (`options.limit` holds for all).

        `users` is None if the database keeps no metadata: then `meta` prints what `body` does.
        `members` is the set of the members of relations if `options.needs_members`, but not if `needs_only_bounds`
        and those in the blocks are right; node rows must be resolved if `options.needs_blocks`; metadata must be
        attached to the blocks if `options.meta`.
        """
        printer = self.printer(options, members, users)
        printed = 0
        for type_ in ELEMENT_TYPES:
            rows = Rows(
                snapshot,
                set_,
                type_,
                context,
                quadtile=options.order == "quadtile",
                limit=None if options.limit is None else options.limit - printed,
            )
            printed += self.print_rows(printer, rows)
        return printed

    def areas(self, snapshot: Handle, rows: Sequence[Any], options: PrintOptions, context: Handle | None) -> None:
        """Print stored areas (each an `osm3s_row *`) of a snapshot of their domain; they are shown without geometry."""
        self.printer(options, None, None).print_areas(snapshot, rows, self.sink, context)

    def print_rows(self, printer: RowPrinter, rows: Rows) -> int:
        """Print the elements of one type; return how many there were."""
        return printer.print(rows, self.sink)

    def printer(self, options: PrintOptions, members: Handle | None, users: Users | None) -> RowPrinter:
        return RowPrinter(
            self.format,
            mode=options.mode,
            geometry=options.geometry,
            ids=options.ids,
            clip=options.bbox,
            users=users,
            members=members,
            fields=self.fields,
            separator=self.separator,
        )
