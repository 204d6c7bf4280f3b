"""What a client asks, without how its answer gets back; and how a request crosses to another process."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import msgpack

from osm3s.errors import InputError
from osm3s.ql.request import unescape


@dataclass(frozen=True, slots=True)
class Database:
    """Which database to read, and whether that may happen without its dispatcher."""

    root: str
    """Database directory; "" means: the one whose dispatcher announces itself on this machine."""
    direct: bool = False
    """Read without asking for permission if no dispatcher answers."""
    socket_dir: str | None = None
    """Where the dispatcher's socket is, if not in `root`."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived at a door. Nothing is decoded yet."""

    door: str
    """One of serve/doors.py, or "osm3s_query"."""
    transport: str = "cgi"
    """Form of the answer: "http" (status line, framing), "cgi" (`Status:` header), "console" (no head at all)."""
    method: str = "POST"
    query_string: bytes = b""
    body: bytes = b""
    remote_addr: str = ""
    api_key: str = ""
    """The header X-API-Key."""
    origin: str = ""
    requested_headers: str = ""
    """Access-Control-Request-Headers, echoed in the answer."""
    keep_alive: bool = False
    """HTTP: the connection stays open after the answer."""
    http_minor: int = 1
    """HTTP: 0 for HTTP/1.0, which knows no chunks."""
    arguments: tuple[str, ...] = ()
    """Command line of osm3s_query."""
    format: str = ""
    """Output format to use instead of the one that the query asks for; only programs on this machine can say it."""

    @property
    def needs_body(self) -> bool:
        """Whether the text is in the body: also that of a GET without query string, as in the reference."""
        return self.method not in ("GET", "HEAD", "OPTIONS") or not self.query_string.strip()

    @property
    def input(self) -> bytes:
        """The text to decode."""
        return self.body if self.needs_body else self.query_string

    @property
    def form(self) -> bytes:
        """The fields that doors other than `interpreter` get: in the query string, else in the body."""
        return self.query_string or self.body

    @property
    def xapi_predicate(self) -> str:
        """The form up to the first `&`, decoded."""
        return unescape(self.form.partition(b"&")[0]).decode("utf-8", "surrogateescape").rstrip("\n")

    def with_body(self, body: bytes) -> Request:
        return replace(self, body=body)

    @property
    def head_only(self) -> bool:
        return self.method in ("HEAD", "OPTIONS")

    def pack(self) -> bytes:
        """The request as one message; fields that have their default are left out."""
        packed: bytes = msgpack.packb({f.name: v for f in _FIELDS if (v := getattr(self, f.name)) != f.default})
        return packed


_FIELDS = fields(Request)
_TYPES = {f.name: bytes if f.name in ("query_string", "body") else type(f.default) for f in _FIELDS[1:]} | {"door": str}


def unpack(message: bytes) -> Request:
    """Inverse of `Request.pack`; raises InputError for anything else."""
    try:
        values = msgpack.unpackb(message, use_list=False, unicode_errors="surrogateescape")
        if all(isinstance(value, _TYPES[name]) for name, value in values.items()):
            return Request(**values)
    except (ValueError, KeyError, TypeError, AttributeError, msgpack.UnpackException):
        pass
    raise InputError("a message to the frontend is not a request")
