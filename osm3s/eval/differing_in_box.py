"""Which ways and relations differ between two times inside of a box, that of an out statement."""

from __future__ import annotations

from typing import Any

from osm3s.eval.differing import Pairs
from osm3s.eval.execution import Execution
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import UNRESOLVED, ElementSet
from osm3s.ffi.out import RowPrinter, Users
from osm3s.ffi.sink import Sink
from osm3s.output.print_options import Box


def differing_in_box(
    execution: Execution,
    pairs: Pairs,
    sets: tuple[ElementSet, ElementSet],
    members: tuple[ElementSet | None, ...],
    element_type: int,
    box: Box,
) -> Pairs:
    """Those of the pairs that are of different versions, have different positions in the box, or are in different
    tiles. Of what is outside the number of nodes counts, which JSON shows. `sets`: what they are rows of; `members`:
    those of the relations, per time."""
    before, after = (set_.rows(element_type) for set_ in sets)
    printers = [
        RowPrinter("json", mode="meta", geometry="full", clip=box, users=Users.of({}), members=of_relations)
        for of_relations in members
    ]

    def text(printer: RowPrinter, row: Any) -> bytes:
        sink = Sink()
        printer.each(execution.snapshot, element_type, sink, execution.limits)(row)
        return sink.data()

    def is_other(old: Any, new: Any) -> bool:
        rows, quads = ffi.new("osm3s_row[2]", [old[0], new[0]]), ffi.new("uint32_t[2]")
        check(lib.osm3s_quads(execution.snapshot.handle, rows, 2, element_type, quads))
        return bool(quads[0] != quads[1]) or text(printers[0], old) != text(printers[1], new)

    return Pairs.of([(i, j) for i, j in pairs if UNRESOLVED in (i, j) or is_other(before.rows + i, after.rows + j)])
