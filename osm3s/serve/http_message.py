"""Reading HTTP/1.1 requests from bytes. Knows no sockets; strict wherever two readers could disagree."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_HEAD_BYTES = 64 * 1024
MAX_CHUNK_LINE_BYTES = 256
MAX_FRAMING_BYTES = 64 * 1024
"""Of lines between chunks and behind the last one: a body in tiny chunks would keep the server busy for long."""
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([!-~\x80-\xff]+) HTTP/([0-9])\.([0-9])")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00\r\n]*)")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\x00\r\n]*)?")
_ORIGIN_FORM = re.compile(rb"(?:https?://[^/?]*)?([^?]*)(?:\?(.*))?", re.IGNORECASE)


class Malformed(Exception):
    """The bytes are not an acceptable request: answer with `status`, then close."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(slots=True)
class Head:
    """Request line and header fields; field names in lower case."""

    method: str
    path: str
    query_string: bytes
    minor: int
    headers: dict[bytes, bytes] = field(default_factory=dict)
    content_length: int = 0
    chunked: bool = False

    @property
    def keep_alive(self) -> bool:
        options = {option.strip() for option in self.headers.get(b"connection", b"").lower().split(b",")}
        return b"close" not in options if self.minor else b"keep-alive" in options

    @property
    def expects_continue(self) -> bool:
        return self.minor > 0 and self.headers.get(b"expect", b"").lower() == b"100-continue"

    def text(self, name: bytes) -> str:
        """A field's value; "" if it is absent."""
        return self.headers.get(name, b"").decode("latin-1")


def looks_complete(data: bytearray) -> bool:
    """A quick guess whether a whole request has come, before it is read properly."""
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
    if end < 0:
        return False
    length = _LENGTH.search(data, 0, end + 2)
    return data.startswith(b"GET ") if length is None else len(data) - end - 4 >= int(length[1])


def take_head(data: bytearray) -> Head | None:
    """Remove a complete head from the front of `data` and return it; None if more must be read first."""
    while data.startswith(b"\r\n"):  # clients have been seen to send one after a body
        del data[:2]
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
    if end < 0:
        if len(data) >= MAX_HEAD_BYTES:
            raise Malformed(431, "The head of the request is longer than 64 KB.")
        return None
    head = parse_head(bytes(data[:end]))
    del data[: end + 4]
    return head


def parse_head(text: bytes) -> Head:
    """Parse a head without its final empty line. Raises Malformed."""
    request_line, *lines = text.split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(request_line)
    if match is None:
        raise Malformed(400, "The request line is malformed.")
    method, target, major, minor = match.groups()
    if major != b"1":
        raise Malformed(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")
    place = _ORIGIN_FORM.fullmatch(target)
    if place is None:
        raise Malformed(400, "The request target is malformed.")
    head = Head(method.decode(), place[1].decode("latin-1"), place[2] or b"", min(int(minor), 1))
    for line in lines:
        if (match := _FIELD.fullmatch(line)) is None:
            raise Malformed(400, "A header field is malformed.")
        name, value = match[1].lower(), match[2].strip(b" \t")
        if name in (b"content-length", b"transfer-encoding", b"host") and name in head.headers:
            raise Malformed(400, "A header field that may stand only once stands twice.")
        head.headers[name] = head.headers[name] + b", " + value if name in head.headers else value
    _read_framing(head)
    return head


def _read_framing(head: Head) -> None:
    encoding, length = head.headers.get(b"transfer-encoding"), head.headers.get(b"content-length")
    if encoding is not None:
        if length is not None or head.minor == 0:
            raise Malformed(400, "The length of the body is ambiguous.")
        if encoding.lower() != b"chunked":
            raise Malformed(501, "The only transfer encoding known here is chunked.")
        head.chunked = True
    elif length is not None:
        if re.fullmatch(rb"[0-9]{1,18}", length) is None:
            raise Malformed(400, "Content-Length is not a number.")
        head.content_length = int(length)


class Body:
    """Collects the body that a head announces, at most `limit` bytes of it."""

    def __init__(self, head: Head, limit: int) -> None:
        self.data = bytearray()
        self.too_long = head.content_length if head.content_length > limit else 0
        """Length of a body that exceeds the limit, as far as it is known; 0: it does not."""
        self._limit = limit
        self._chunked = head.chunked
        self._missing = head.content_length
        self._after_chunk = self._in_trailer = False
        self._framing_bytes = 0

    def take(self, data: bytearray) -> bool:
        """Move what belongs to the body from the front of `data`; True once the body is complete or too long."""
        return self._take_chunks(data) if self._chunked else self._take_bytes(data)

    def _take_bytes(self, data: bytearray) -> bool:
        part = data[: self._missing]
        if self.too_long or len(self.data) + len(part) > self._limit:
            self.too_long = self.too_long or len(self.data) + len(part)
            return True
        self.data += part
        del data[: len(part)]
        self._missing -= len(part)
        return self._missing == 0

    def _take_chunks(self, data: bytearray) -> bool:
        while True:
            if self._missing and not self._take_bytes(data):
                return False
            if self.too_long:
                return True
            end = data.find(b"\r\n", 0, MAX_CHUNK_LINE_BYTES)
            if end < 0:
                if len(data) >= MAX_CHUNK_LINE_BYTES:
                    raise Malformed(400, "A line between chunks is too long.")
                return False
            line = bytes(data[:end])
            del data[: end + 2]
            self._framing_bytes += end + 2
            if self._framing_bytes > MAX_FRAMING_BYTES + len(self.data):
                raise Malformed(400, "There is more between the chunks of the body than in them.")
            if self._in_trailer:
                if not line:
                    return True
            elif self._after_chunk:
                if line:
                    raise Malformed(400, "A chunk is longer than announced.")
                self._after_chunk = False
            elif (size := _CHUNK_SIZE.fullmatch(line)) is None:
                raise Malformed(400, "The size of a chunk is malformed.")
            else:
                self._missing = int(size[1], 16)
                self._in_trailer = self._missing == 0
                self._after_chunk = not self._in_trailer
