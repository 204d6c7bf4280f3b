"""A feed over HTTP on loopback that misbehaves on schedule."""

from __future__ import annotations

import gzip
import socket
import threading
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from osm3s.replication.state import path_of

Answer = Callable[["Handler", bytes | None], None]
"""Answers one request; the argument is what is stored under the path."""


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is none."""


class FeedServer:
    """`files` is what there is to fetch. For a path in `misbehaviour`, the answers there come first, each once."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.misbehaviour: dict[str, list[Answer]] = defaultdict(list)
        self.requests: list[str] = []
        self.n_connections = 0
        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self._server.feed = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def add(self, sequence: int, change: bytes, timestamp: str) -> None:
        """A diff, as the newest one."""
        state = f"sequenceNumber={sequence}\ntimestamp={timestamp.replace(':', chr(92) + ':')}\n".encode()
        self.files[f"{path_of(sequence)}.osc.gz"] = gzip.compress(change)
        self.files[f"{path_of(sequence)}.state.txt"] = self.files["state.txt"] = state

    def __enter__(self) -> FeedServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.feed.n_connections += 1  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        feed: FeedServer = self.server.feed  # type: ignore[attr-defined]
        path = self.path.lstrip("/")
        feed.requests.append(path)
        answers = feed.misbehaviour.get(path)
        content = feed.files.get(path)
        if answers:
            answers.pop(0)(self, content)
        else:
            usual(self, content)

    def answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(content))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Silent."""


def usual(handler: Handler, content: bytes | None) -> None:
    begin = handler.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
    if content is None:
        handler.answer(404, b"not here")
    elif begin:
        handler.answer(206, content[int(begin) :])
    else:
        handler.answer(200, content)


# --- misbehaviour ---------------------------------------------------------------------------------------------------


def not_found(handler: Handler, content: bytes | None) -> None:
    handler.answer(404, b"<html>not found</html>")


def error_page(handler: Handler, content: bytes | None) -> None:
    """An error that claims to be none."""
    handler.answer(200, b"<html><body>Service temporarily unavailable</body></html>")


def overloaded(handler: Handler, content: bytes | None) -> None:
    handler.answer(503, b"", Retry_After="77")


def truncated(handler: Handler, content: bytes | None) -> None:
    """The connection breaks in the middle of the file."""
    assert content is not None
    handler.answer(200, content[: len(content) // 2], Content_Length=str(len(content)))
    handler.close_connection = True


def truncated_silently(handler: Handler, content: bytes | None) -> None:
    """Half of the file, with its length as if that were all."""
    assert content is not None
    handler.answer(200, content[: len(content) // 2])


def damaged(handler: Handler, content: bytes | None) -> None:
    """A bit of the checksum is wrong."""
    assert content is not None
    handler.answer(200, content[:-6] + bytes([content[-6] ^ 1]) + content[-5:])


def not_xml(handler: Handler, content: bytes | None) -> None:
    """Undamaged gzip data, but what is inside ends too early."""
    assert content is not None
    handler.answer(200, gzip.compress(gzip.decompress(content)[:-12]))


def not_a_change(handler: Handler, content: bytes | None) -> None:
    handler.answer(200, gzip.compress(b"<osm version='0.6'><node id='1' lat='1' lon='1'/></osm>"))


def empty(handler: Handler, content: bytes | None) -> None:
    handler.answer(200, b"")


def reset(handler: Handler, content: bytes | None) -> None:
    """The connection is gone without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def says(content: bytes) -> Answer:
    """Other content than is stored."""
    return lambda handler, _: handler.answer(200, content)
