"""`explain=1`: the query runs as always, but instead of its answer comes how it was answered."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from osm3s.errors import Message
from osm3s.eval.explanation import Explanation
from osm3s.ffi.sink import Sink
from osm3s.output.writer import Writer

if TYPE_CHECKING:
    from osm3s.serve.frontend import Door


class ExplainingDoor:
    """A `Door` in front of another one: what is written is thrown away, the explanation goes out in its place."""

    def __init__(self, door: Door, explanation: Explanation) -> None:
        self._door = door
        self._explanation = explanation
        self._nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        self.sink = Sink(self._nowhere)

    def limit(self, timeout_s: int, maxsize_bytes: int) -> None:
        self._door.limit(timeout_s, maxsize_bytes)

    def begin(self, content_type: str | None) -> None:
        pass

    def watching(self, explanation: Explanation) -> AbstractContextManager[None]:
        return nullcontext()

    def rejected(self, query: str, messages: list[Message]) -> int:
        os.close(self._nowhere)
        return self._door.rejected(query, messages)

    def refused(self, status: int, text: str, error: Exception) -> int:
        os.close(self._nowhere)
        return self._door.refused(status, text, error)

    def failed(self, writer: Writer, error: BaseException, text: str) -> int:
        os.close(self._nowhere)
        return self._door.explain(f"{self._explanation.text()}{text}\n")

    def complete(self, writer: Writer, finished: Callable[[], None]) -> int:
        writer.footer()
        finished()
        self.sink.finish()
        os.close(self._nowhere)
        return self._door.explain(self._explanation.text())

    def explain(self, text: str) -> int:
        return self._door.explain(text)
