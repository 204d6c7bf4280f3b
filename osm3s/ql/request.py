"""What clients send: the texts of requests and console input, and the form fields that come with a query."""

from __future__ import annotations

import re
from dataclasses import dataclass

from osm3s.constants import MAX_BODY_BYTES, MAX_QUERY_BYTES
from osm3s.errors import Message, QueryRejected

from .diagnostics import Diagnostics
from .tokens import encodable

_SPACE = b" \t\n\v\f\r"
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.")
_ESCAPES = re.compile(rb"(?:%[0-9a-fA-F]{2})+")

DEFAULT_URL = "https://www.openstreetmap.org/browse/{{{type}}}/{{{id}}}"
DEFAULT_TEMPLATE = "default.wiki"
OPTIONS_QUERY = "out;"
"""What an OPTIONS request without a query counts as."""


@dataclass(slots=True)
class Request:
    """A query and what the client says about its answer.

    `template` and `url` belong to the format custom, `jsonp` to json; `redirect` is whether custom may redirect.
    """

    query: str
    bbox: str = ""
    jsonp: str = ""
    redirect: bool = True
    template: str = DEFAULT_TEMPLATE
    url: str = DEFAULT_URL
    api_key: str = ""
    """Gives the client slots of its own."""
    explain: bool = False
    """Tell how the query was answered instead of answering it."""

    def check_for(self, output: str) -> None:
        """Raises QueryRejected if a parameter that the output format uses has characters it must not have."""
        diagnostics = Diagnostics()
        if output == "json" and not _PLAIN.issuperset(self.jsonp.encode("utf-8", "surrogateescape")):
            diagnostics.encoding_error('Parameter "jsonp" must contain only letters, digits, or the underscore.')
        if output == "custom" and "/" in self.template:
            diagnostics.encoding_error('Parameter "template" must not contain slashes.')
        if diagnostics.messages:
            raise QueryRejected(diagnostics.messages)


def body_as_read(body: bytes) -> bytes:
    """A request body, or standard input, as the reference reads it: with one more line end, which line numbers show."""
    return body + b"\n"


def from_console(text: str) -> str:
    """The query text of standard input. Raises QueryRejected if it is blank or too long."""
    query = encodable(text) + "\n"
    _check_length(query)
    return query


def decode_form(raw: bytes) -> Request:
    """Decode a query string, or a body after `body_as_read`.

    What starts with `<` is the query itself, without any decoding, and so is everything without a field `data`.
    Raises QueryRejected if the text is blank or too long.
    """
    if len(raw) > len(body_as_read(b"")) + MAX_BODY_BYTES:
        raise QueryRejected([too_long(len(raw))])
    if raw.lstrip(_SPACE).startswith(b"<"):
        request = Request(_text(raw))
    else:
        fields = form_fields(raw)
        request = Request(
            _with_bbox(_text(fields.get(b"data", b"") or raw), _text(fields.get(b"bbox", b""))),
            bbox=_text(fields.get(b"bbox", b"")),
            jsonp=_text(fields.get(b"jsonp", b"")),
            redirect=fields.get(b"redirect") != b"no",
            template=_text(fields.get(b"template", DEFAULT_TEMPLATE.encode())),
            url=_text(fields.get(b"url", DEFAULT_URL.encode())),
            api_key=_text(fields.get(b"apikey", b"")),
            explain=fields.get(b"explain") == b"1",
        )
    _check_length(request.query)
    return request


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def form_fields(raw: bytes) -> dict[bytes, bytes]:
    """The last value of each field; names are taken as they are, values are decoded."""
    fields = {}
    for part in raw.split(b"&"):
        name, equals, value = part.partition(b"=")
        if equals:
            fields[name] = unescape(value.rstrip(_SPACE))
    return fields


def unescape(value: bytes) -> bytes:
    """Resolve `+` and `%XX`; a percent sign without two hexadecimal digits stays."""
    value = value.replace(b"+", b" ")
    return _ESCAPES.sub(lambda run: bytes.fromhex(run[0].decode().replace("%", "")), value) if b"%" in value else value


def escape(value: bytes) -> str:
    """All but letters and digits as `%XX`, fit for any place in a link."""
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}" for byte in value)


def _with_bbox(query: str, bbox: str) -> str:
    """Put the box of the request, given as west, south, east, north, where the query asks for it."""
    parts = bbox.split(",")
    if len(parts) != 4:
        return query
    west, south, east, north = parts
    box = f"{south},{west},{north},{east}"
    return query.replace("(bbox)", f"({box})").replace("[bbox]", f"[bbox:{box}]", 1)


def too_long(size_bytes: int) -> Message:
    """The complaint about a query, or a body, that is larger than may be."""
    limit_mb = MAX_QUERY_BYTES // (1024 * 1024)
    text = f"Input Input too long (length: {size_bytes}). The maximum query length is {limit_mb} MB."
    return Message("encoding error", 0, text)


def _check_length(query: str) -> None:
    diagnostics = Diagnostics()
    size = len(query.encode("utf-8", "surrogateescape"))
    if not query:
        diagnostics.encoding_error("Your input is empty.")
    elif not query.strip(" \t\n\v\f\r"):
        diagnostics.encoding_error("Your input contains only whitespace.")
    elif size > MAX_QUERY_BYTES:
        diagnostics.messages.append(too_long(size))
    if diagnostics.messages:
        raise QueryRejected(diagnostics.messages)
