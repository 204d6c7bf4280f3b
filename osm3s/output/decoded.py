"""Elements as objects of Python, for the pages that people read: the core prints them as JSON, which is read back."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

from osm3s.ffi.out import Handle, Users
from osm3s.output.derived import Derived
from osm3s.output.elements import ELEMENT_TYPES, ElementWriter
from osm3s.output.print_options import PrintOptions

Decoded = dict[str, Any]
"""An element as in an answer in JSON; without "tags" if it has none or none are asked for."""


class DecodedWriter(ElementWriter, ABC):
    """Calls `element` for every element; objects that are not elements of the map are left out."""

    format = "json"

    @abstractmethod
    def element(self, element: Decoded) -> None: ...

    def elements(
        self,
        snapshot: Handle | None,
        set_: Handle,
        options: PrintOptions,
        members: Handle | None = None,
        users: Users | None = None,
        context: Handle | None = None,
    ) -> int:
        printer = self.printer(replace(options, ids=True), members, users)
        printed = 0
        for type_ in ELEMENT_TYPES:
            limit = None if options.limit is None else options.limit - printed
            for text in printer.texts(
                snapshot, set_, type_, context=context, quadtile=options.order == "quadtile", limit=limit
            ):
                elements = json.loads(f"[{text.decode('utf-8', 'surrogateescape')}]", strict=False)
                printed += len(elements)
                for element in elements:
                    self.element(element)
        return printed

    def derived(self, element: Derived, options: PrintOptions) -> None:
        pass
