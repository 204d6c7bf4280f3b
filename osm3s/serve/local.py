"""Queries in this very process, for notebooks and scripts: no other process, no socket, no limits by the kernel."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import NoReturn

from osm3s.errors import Message, QueryRejected
from osm3s.eval.explanation import Explanation
from osm3s.ffi.sink import Sink
from osm3s.output.writer import Writer
from osm3s.ql.request import Request
from osm3s.serve import frontend
from osm3s.serve.client import Answer
from osm3s.serve.request import Database


class MemoryDoor:
    """A `Door` that keeps the answer and raises the errors."""

    def __init__(self) -> None:
        self.sink = Sink()

    def limit(self, timeout_s: int, maxsize_bytes: int) -> None:
        """The process belongs to somebody else."""

    def begin(self, content_type: str | None) -> None:
        pass

    def watching(self, explanation: Explanation) -> AbstractContextManager[None]:
        return nullcontext()

    def rejected(self, query: str, messages: list[Message]) -> NoReturn:
        raise QueryRejected(messages)

    def refused(self, status: int, text: str, error: Exception) -> NoReturn:
        raise error

    def failed(self, writer: Writer, error: BaseException, text: str) -> NoReturn:
        raise error

    def explain(self, text: str) -> int:
        self.sink.write(text)
        return 0

    def complete(self, writer: Writer, finished: Callable[[], None]) -> int:
        writer.footer()
        finished()
        return 0


class LocalDatabase:
    """A database directory; every query opens the snapshot that is current then.

    If a dispatcher runs for the database, it is asked for permission like by any other reader.
    """

    def __init__(self, db_dir: str) -> None:
        self._database = Database(os.path.realpath(db_dir), direct=True)

    def query(self, text: str, format: str = "") -> Answer:
        """Run it; `format` overrides that of the query. Raises QueryRejected, QueryFailed, StorageError,
        DispatcherError."""
        from osm3s.serve.engine import NATIVE

        return self._answer(text, NATIVE, format)

    def _answer(self, text: str, engine: frontend.Engine, format: str = "") -> Answer:
        door = MemoryDoor()
        frontend.answer(frontend.Query(Request(text), format=format), self._database, door, engine)
        return Answer(door.sink.data())
