"""Elements as objects of Python, for the pages that people read: the core prints them as JSON, which is read back."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from osm3s.ffi.out import Handle, RowPrinter, Rows, Users
from osm3s.output.derived import Derived
from osm3s.output.elements import ElementWriter
from osm3s.output.print_options import PrintOptions

Decoded = dict[str, Any]
"""An element as in an answer in JSON; without "tags" if it has none or none are asked for."""


class DecodedWriter(ElementWriter, ABC):
    """Calls `element` for every element; objects that are not elements of the map are left out."""

    format = "json"

    @abstractmethod
    def element(self, element: Decoded) -> None: ...

    def printer(self, options: PrintOptions, members: Handle | None, users: Users | None) -> RowPrinter:
        """Ids are printed in any case: the pages need them."""
        return super().printer(replace(options, ids=True), members, users)

    def print_rows(self, printer: RowPrinter, rows: Rows) -> int:
        printed = 0
        for text in printer.texts(rows):
            elements = json.loads(f"[{text.decode('utf-8', 'surrogateescape')}]", strict=False)
            printed += len(elements)
            for element in elements:
                self.element(element)
        return printed

    def areas(self, snapshot: Handle, rows: Sequence[Any], options: PrintOptions, context: Handle | None) -> None:
        pass

    def derived(self, element: Derived, options: PrintOptions) -> None:
        pass
