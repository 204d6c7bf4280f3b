"""What people read on standard error. Needs no native core, as translating a query does not."""

from __future__ import annotations

import os
from contextlib import suppress
from enum import IntEnum

from osm3s import ql
from osm3s.errors import Message


class Verbosity(IntEnum):
    """From which level on something is printed; ASSISTING is what a person gets who asks for nothing special."""

    QUIET = 1
    CONCISE = 2
    PROGRESS = 3
    ASSISTING = 4
    VERBOSE = 5


class Messages:
    """Prints lines on a descriptor, if the verbosity wants them."""

    def __init__(self, descriptor: int, verbosity: Verbosity) -> None:
        self._descriptor = descriptor
        self._verbosity = verbosity

    def wants(self, level: Verbosity) -> bool:
        return self._verbosity >= level

    def say(self, text: str, level: Verbosity = Verbosity.CONCISE) -> None:
        if self.wants(level):
            with suppress(OSError):  # messages that nobody can read any more do not matter
                write_all(self._descriptor, (text + "\n").encode("utf-8", "surrogateescape"))

    def complain(self, query: str, complaints: list[Message]) -> None:
        """One line for each, as programs expect them; on a terminal, or if everything is to be told, with the places in
        the text."""
        if self.wants(Verbosity.VERBOSE) or os.isatty(self._descriptor):
            self.say(ql.explain_errors(query, complaints).removesuffix("\n"))
        else:
            for complaint in complaints:
                self.say(str(complaint))


def write_all(descriptor: int, data: bytes) -> None:
    """Blocking. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
