"""The head of an answer, in the form of CGI or of HTTP; and the error pages."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Protocol

from osm3s.serve.error_document import error_document
from osm3s.serve.page import HTML, Page
from osm3s.serve.request import Request

REASONS = {
    200: "OK",
    302: "Moved",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}
_STATUSES = list(REASONS)
RETRY_AFTER_S = 30
"""What a refused client is told to wait if nobody knows better."""


def status_at(place: int) -> int:
    """The status of HTTP whose place in the table fits into the byte with which a frontend says that it is done."""
    return _STATUSES[place] if place < len(_STATUSES) else 500


class Sink(Protocol):
    """A buffer in front of the client's descriptor."""

    def write(self, data: bytes) -> None: ...

    def frame_http(self, head: bytes, chunked: bool) -> None:
        """What is written next is the body of an HTTP response: once its size or its being long is known, `head` is
        completed with Content-Length or (if allowed) Transfer-Encoding."""

    def finish(self) -> None:
        """Send what is left, and the end of the body."""


class WebResponse:
    """An answer to a web client. `start` comes first, then the body goes into `sink`, then `finish`."""

    def __init__(self, request: Request, sink: Sink) -> None:
        self.request = request
        self.sink = sink
        self.started = False
        self.status = 200
        self.retry_after_s = RETRY_AFTER_S
        self._finished = False

    def start(
        self,
        status: int,
        content_type: str | None,
        location: str | None = None,
        headers: tuple[str, ...] = (),
        any_origin: bool = False,
    ) -> None:
        """With `any_origin`, CGI too lets scripts of any page read the answer, whether the request is one or not."""
        self.started = True
        self.status = status
        http = self.request.transport == "http"
        head = self._http_lines(status) if http else []
        head += self._cors_lines(always=http or any_origin)
        if status != 200 and not http:
            head.append(f"Status: {status} {REASONS[status]}")
        if status in (429, 504):
            head.append(f"Retry-After: {self.retry_after_s}")
        if location is not None:
            head.append(f"Location: {location}")
        head += headers
        if content_type is not None:
            head.append(f"Content-type: {content_type}")
        end = "\r\n" if http else "\n"
        text = "".join(line + end for line in head).encode("utf-8", "surrogateescape")
        if http and not self.request.head_only:
            self.sink.frame_http(text, chunked=self.request.http_minor > 0)
        else:
            self.sink.write(text + end.encode())

    @property
    def exit_status(self) -> int:
        """What `status_at` understands; programs of CGI end with 0."""
        return _STATUSES.index(self.status) if self.request.transport == "http" else 0

    def page(self, page: Page) -> None:
        """The whole answer, but for `finish`."""
        self.start(self._granted(page.status), page.content_type, page.location, page.headers, any_origin=True)
        if not self.request.head_only:
            self.sink.write(page.text.encode("utf-8", "surrogateescape"))

    def _http_lines(self, status: int) -> list[str]:
        return [
            f"HTTP/1.1 {status} {REASONS[status]}",
            f"Date: {http_date(time.time())}",
            f"Connection: {'keep-alive' if self.request.keep_alive else 'close'}",
        ]

    def _cors_lines(self, always: bool) -> list[str]:
        request = self.request
        lines = []
        if request.requested_headers:
            lines.append(f"Access-Control-Allow-Headers: {request.requested_headers}")
        if request.origin or always:
            lines.append("Access-Control-Allow-Origin: *")
        if request.origin:
            lines.append("Access-Control-Max-Age: 600")
        if request.method == "OPTIONS":
            lines += ["Access-Control-Allow-Methods: GET, POST, OPTIONS", "Content-Length: 0"]
        return lines

    def refuse(self, status: int, errors: Iterable[str]) -> None:
        """Answer with an error page."""
        self.start(self._granted(status), HTML)
        if not self.request.head_only:
            self.sink.write(error_document(errors))

    def _granted(self, status: int) -> int:
        """A preflight asks for leave, not for the answer, and gets it whatever the answer would be."""
        return 200 if self.request.method == "OPTIONS" else status

    def finish(self) -> None:
        """The second call does nothing."""
        if not self._finished:
            self._finished = True
            self.sink.finish()


def http_date(epoch_s: float) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(epoch_s))


def closing_page(status: int, error: str, headless: bool) -> bytes:
    """A whole HTTP response with an error page, after which the connection closes."""
    page = error_document([error])
    head = [
        f"HTTP/1.1 {status} {REASONS[status]}",
        f"Date: {http_date(time.time())}",
        "Connection: close",
        "Access-Control-Allow-Origin: *",
        *([f"Retry-After: {RETRY_AFTER_S}"] if status == 504 else []),
        f"Content-type: {HTML}",
        f"Content-Length: {len(page)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + (b"" if headless else page)
