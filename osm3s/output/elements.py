"""What the writers of all formats have in common: elements of the map are printed by the native core."""

from __future__ import annotations

from collections.abc import Sequence

from osm3s.ffi.out import Handle, RowPrinter, Users
from osm3s.ffi.sink import Sink
from osm3s.output.print_options import PrintOptions

ELEMENT_TYPES = (0, 1, 2)
"""Nodes, ways, relations, in the order in which they are printed."""


class ElementWriter:
    """Prints sets of elements into a sink."""

    format = ""
    fields: Sequence[tuple[str, bool]] = ()
    separator = "\t"

    def __init__(self, sink: Sink) -> None:
        self.sink = sink

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
        `members` is the set of the relations' members if `options.needs_members`; node rows must be resolved if
        `options.needs_blocks`; metadata must be attached to the blocks if `options.meta`.
        """
        printer = RowPrinter(
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
        printed = 0
        for type_ in ELEMENT_TYPES:
            printed += printer.print(
                snapshot,
                set_,
                type_,
                self.sink,
                context=context,
                quadtile=options.order == "quadtile",
                limit=None if options.limit is None else options.limit - printed,
            )
        return printed
