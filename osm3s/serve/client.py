"""Asking a running frontend from a Python program, over its Unix socket."""

from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import dataclass
from typing import Any

from osm3s.errors import DispatcherError, Message, QueryFailed, QueryRejected, QueryTimeout
from osm3s.paths import DatabaseDir
from osm3s.serve import wire
from osm3s.serve.request import Request

READ_BYTES = 1024 * 1024
_COMPLAINT = re.compile(r"(?:line (\d+): )?((?:encoding|parse|static) error): (.*)", re.DOTALL)
_RUNTIME = "runtime error: "


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer, in the format that was asked for."""

    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "surrogateescape")

    def json(self) -> Any:
        """The document. Raises ValueError if the answer is not JSON."""
        return json.loads(self.content)

    @property
    def elements(self) -> list[dict[str, Any]]:
        """The elements of a JSON answer."""
        found: list[dict[str, Any]] = self.json()["elements"]
        return found


class Connection:
    """Where to ask. Every query has a process of its own, so several threads may use one Connection."""

    def __init__(self, db_dir: str | None = None, socket_dir: str | None = None) -> None:
        """Without `db_dir`: $OVERPASS_DB_DIR, else the database whose dispatcher was started last. Raises
        DispatcherError if there is none."""
        root = db_dir or os.environ.get("OVERPASS_DB_DIR")
        if not root:
            from osm3s.dispatch.client import DispatcherClient

            with DispatcherClient.connect() as client:
                root = client.db_dir
        self.path = DatabaseDir(root).frontend_socket(socket_dir or os.environ.get("OVERPASS_SOCKET_DIR"))

    def query(self, text: str, format: str = "") -> Answer:
        """Ask and wait; `format` ("json", "xml", "csv") overrides that of the query.

        Interrupting the call cancels the query. Raises QueryRejected with all messages if the text is not a query,
        QueryTimeout or QueryFailed if it does not come to its end, DispatcherError if it is not let in or the
        frontend has gone.
        """
        request = Request(
            "osm3s_query",
            "console",
            body=text.encode("utf-8", "surrogateescape"),
            arguments=("--concise",),
            format=format,
        )
        content, messages, status = self._exchange(request)
        if messages or status:
            raise _error(messages, status)
        return Answer(content)

    def _exchange(self, request: Request) -> tuple[bytes, str, int]:
        """Content, messages and exit status; both come through pipes of which the frontend gets the other end."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                connection.connect(self.path)
            except OSError as error:
                raise DispatcherError(
                    f"No frontend answers on {self.path} ({error.strerror}): start osm3s_server or osm3s_frontend."
                ) from error
            output, output_in = os.pipe()
            errors, errors_in = socket.socketpair()  # holds the messages while the answer is being read
            try:
                try:
                    wire.send(connection, request, [output_in, errors_in.fileno()])
                finally:
                    os.close(output_in)
                    errors_in.close()
                content = bytearray()
                while part := os.read(output, READ_BYTES):
                    content += part
                messages = b""
                while more := errors.recv(65536):
                    messages += more
                done = connection.recv(1)
            except OSError as error:
                raise DispatcherError(f"The process that answered the query has died: {error.strerror}.") from error
            finally:
                os.close(output)
                errors.close()
        if not done:
            raise DispatcherError("The process that answered the query has died.")
        return bytes(content), messages.decode("utf-8", "surrogateescape"), done[0]


def _error(messages: str, status: int) -> Exception:
    """The error that stands behind what a frontend has printed."""
    lines = messages.removesuffix("\n")
    complaints = [match for line in lines.split("\n") if (match := _COMPLAINT.fullmatch(line))]
    if complaints:
        return QueryRejected([Message(match[2], int(match[1] or 0), match[3]) for match in complaints])
    text = lines.removeprefix(_RUNTIME)
    if "timed out" in text:
        return QueryTimeout(text)
    return DispatcherError(text) if status == 1 else QueryFailed(text)
