"""The console door: the answer alone on one descriptor, messages on another, an exit status."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from osm3s.errors import DispatcherError, Message, QueryFailed, QueryForbidden, StorageError
from osm3s.eval.explanation import Explanation
from osm3s.ffi.sink import Sink
from osm3s.output.writer import Writer
from osm3s.serve.limits import limit_execution
from osm3s.serve.messages import Messages, Verbosity
from osm3s.serve.progress import Progress

FILE_STATUS, LIMIT_STATUS, EXCEPTION_STATUS = 1, 2, 4


class ConsoleDoor:
    """A `Door` for the command line."""

    def __init__(self, output: int, messages: Messages) -> None:
        self.sink = Sink(output)
        self._messages = messages

    def limit(self, timeout_s: int, maxsize_bytes: int) -> None:
        self._messages.say(
            f"runtime remark: Timeout is {timeout_s} and maxsize is {maxsize_bytes}.", Verbosity.ASSISTING
        )
        limit_execution(timeout_s, maxsize_bytes)

    def begin(self, content_type: str | None) -> None:
        pass

    def watching(self, explanation: Explanation) -> AbstractContextManager[None]:
        return Progress(self._messages, explanation)

    def rejected(self, query: str, messages: list[Message]) -> int:
        """Exit status 0, as the reference: a complaint is an answer."""
        self._messages.complain(query, messages)
        return 0

    def refused(self, status: int, text: str, error: Exception) -> int:
        self._messages.say(text)
        return EXCEPTION_STATUS if isinstance(error, QueryForbidden) else FILE_STATUS

    def failed(self, writer: Writer, error: BaseException, text: str) -> int:
        """The document stays unfinished, so that it cannot be taken for a whole one."""
        self.sink.finish()
        self._messages.say(text)
        if isinstance(error, QueryFailed):
            return LIMIT_STATUS
        return FILE_STATUS if isinstance(error, StorageError | DispatcherError) else EXCEPTION_STATUS

    def explain(self, text: str) -> int:
        self.sink.write(text)
        self.sink.finish()
        return 0

    def complete(self, writer: Writer, finished: Callable[[], None]) -> int:
        if writer.content_type is None:  # only the head tells where the answer leads
            content_type, location = writer.head()
            self.sink.write(f"Content-type: {content_type}\n\n" if location is None else "Status: 302 Moved\n")
            self.sink.write("" if location is None else f"Location: {location}\n\n")
        writer.footer()
        finished()
        self.sink.finish()
        return 0
