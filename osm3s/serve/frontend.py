"""Answering one query, from its text to the last byte. Knows neither how it arrived nor where the bytes go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from osm3s import ql
from osm3s.errors import DispatcherError, Message, QueryFailed, QueryForbidden, QueryRejected
from osm3s.eval import support
from osm3s.eval.explanation import Explanation
from osm3s.output.writer import Writer, writer_for
from osm3s.paths import DatabaseDir
from osm3s.ql.request import Request
from osm3s.ql.settings import Settings
from osm3s.serve.admission import Permission, admitted
from osm3s.serve.explain import ExplainingDoor
from osm3s.serve.preparation import read_within_limits
from osm3s.serve.refusal import refusal_of, text_of
from osm3s.serve.reuse import process
from osm3s.serve.slow_log import cpu_seconds, slow_log

if TYPE_CHECKING:
    from osm3s.ffi.sink import Sink
    from osm3s.serve.request import Database


@dataclass(frozen=True, slots=True)
class Query:
    """A decoded request and who asks."""

    form: Request
    format: str = ""
    """Overrides the format that the text asks for."""
    address: str = ""
    """Of the client, for quotas; empty for local tools."""
    api_key: str = ""
    """What the client has sent to get slots of its own."""
    web: bool = False
    """Messages have the wording for web clients."""
    rules: bool = False
    """An operator runs rules: without limit of time, and areas may be made."""
    validate_only: bool = False
    """HEAD and OPTIONS: parse it, tell the content type, do not run it."""


class Door(Protocol):
    """How an answer gets to its reader. Every method that ends the answer returns the exit status."""

    sink: Sink

    def limit(self, timeout_s: int, maxsize_bytes: int) -> None:
        """Called before the query runs; `timeout_s` 0 is no limit. The place to have the kernel enforce what the query
        should keep to by itself."""

    def begin(self, content_type: str | None) -> None:
        """The query runs: what follows in the sink is the answer. Not called for answers whose head is known only when
        they are complete; then ending the answer begins with `Writer.head`."""

    def watching(self, explanation: Explanation) -> AbstractContextManager[None]:
        """Entered while the query runs; `explanation` knows the statement that is being executed."""

    def rejected(self, query: str, messages: list[Message]) -> int: ...

    def refused(self, status: int, text: str, error: Exception) -> int:
        """The query cannot be run; `status` is that of HTTP, `text` starts with "runtime error: "."""

    def failed(self, writer: Writer, error: BaseException, text: str) -> int:
        """The query has begun and cannot be completed; `text` starts with "runtime error: "."""

    def complete(self, writer: Writer, finished: Callable[[], None]) -> int:
        """`finished` is to be called before the last bytes are sent."""

    def explain(self, text: str) -> int:
        """In the place of an answer."""


class Engine(Protocol):
    """What runs a parsed query on a snapshot."""

    def open_snapshot(self, db_dir: str) -> Any:
        """The newest version, to be closed."""

    def put_by(self, snapshot: Any, db_dir: str) -> None:
        """Keep it for the next `open_snapshot` of this process, without holding its version."""

    def areas_base(self, script: ql.Script, snapshot: Any) -> str | None:
        """The timestamp of the areas if the script reads areas, else None."""

    def execute(
        self,
        script: ql.Script,
        settings: Settings,
        snapshot: Any,
        writer: Writer,
        started_s: float,
        web: bool,
        explanation: Explanation | None = None,
    ) -> None:
        """`started_s` is on the clock of time.monotonic(). How it went is added to `explanation`. Raises QueryFailed,
        whose text is the remark."""


def answer(query: Query, database: Database, door: Door, engine: Engine) -> int:
    """Parse, ask for permission, run on one snapshot, print; returns the exit status of the program."""
    text = query.form.query
    explanation = Explanation()
    if query.form.explain:
        door = ExplainingDoor(door, explanation)
    try:
        limited = query.web or process.is_frontend  # else it is a process of the one who asks
        script = read_within_limits(ql.parse, text) if limited else ql.parse(text)
        settings = Settings.of(script)
        support.check(script)
        if query.rules:
            settings = replace(settings, timeout_s=0)
        else:
            support.check_allowed(script)
        output = query.format or settings.output
        query.form.check_for(output)
    except QueryRejected as rejected:
        return door.rejected(text, rejected.messages)
    except QueryForbidden as forbidden:
        return door.refused(400, f"runtime error: {forbidden}", forbidden)
    except DispatcherError as error:
        return door.refused(504, f"runtime error: {refusal_of(error).text}", error)
    try:
        writer = writer_for(output, settings.csv or settings.popup, door.sink, query.form)
    except ValueError as error:
        return door.refused(400, f"runtime error: {error}", QueryFailed(str(error)))
    if query.validate_only:
        door.begin(writer.content_type)
        return 0
    begun, status, outcome = False, None, ""
    started_s, cpu_before_s = time.monotonic(), cpu_seconds()
    try:
        with (
            admitted(
                database, settings.timeout_s, settings.maxsize_bytes, text, query.address, query.api_key
            ) as permission,
            _snapshot(permission, settings, door, engine) as snapshot,
        ):
            started_s = time.monotonic()
            permission.opened(snapshot.txn_id)
            writer.templates = DatabaseDir(permission.root).templates
            if writer.content_type is not None:
                door.begin(writer.content_type)
            begun = True
            writer.header(snapshot.settings.timestamp, engine.areas_base(script, snapshot), settings.bbox)
            with door.watching(explanation):
                engine.execute(script, settings, snapshot, writer, started_s, query.web, explanation)
            status = door.complete(writer, lambda: permission.finish(round((cpu_seconds() - cpu_before_s) * 1000)))
            outcome = "ok"
            return status
    except Exception as error:
        process.retire()
        if status is not None:
            return status  # the answer is complete: what fails now is only the clearing up
        outcome = text_of(error)
        if begun:
            return door.failed(writer, error, f"runtime error: {text_of(error)}")
        if isinstance(error, DispatcherError):
            refusal = refusal_of(error)
            return door.refused(refusal.status, f"runtime error: {refusal.text}", error)
        return door.refused(500, f"runtime error: {text_of(error)}", error)
    finally:
        if begun:
            how = (started_s, cpu_before_s, outcome, explanation)
            slow_log.note(permission.root, text, settings, query.address, *how)


@contextmanager
def _snapshot(permission: Permission, settings: Settings, door: Door, engine: Engine) -> Iterator[Any]:
    """The snapshot to read, opened and everything else prepared while the dispatcher decides."""
    door.limit(settings.timeout_s, settings.maxsize_bytes)
    try:
        snapshot = engine.open_snapshot(permission.root)
    except Exception:
        permission.wait()  # if it refuses, that comes first
        raise
    try:
        if snapshot.txn_id < permission.wait():  # changed meanwhile: what the older version shows is kept for nobody
            snapshot.close()
            snapshot = engine.open_snapshot(permission.root)
        yield snapshot
    except BaseException:
        snapshot.close()
        raise
    if process.stays:
        engine.put_by(snapshot, permission.root)
    else:
        snapshot.close()
