"""`uncgi`, `tocgi` and `escape_xml`: small filters that scripts around an Overpass API server use."""

from __future__ import annotations

import sys
from collections.abc import Callable

from osm3s.ql.print_xml import escape_xml
from osm3s.ql.request import escape, unescape


def _escape_xml(text: bytes) -> bytes:
    return escape_xml(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


FILTERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "uncgi": ("decodes a value of a form, to the first `&`", lambda text: unescape(text.partition(b"&")[0])),
    "tocgi": ("encodes a text as a value of a form", lambda text: escape(text).encode()),
    "escape_xml": ("encodes a text for XML", _escape_xml),
}


def main() -> int:
    """The first argument is the name of the filter."""
    name, *arguments = sys.argv[1:]
    summary, convert = FILTERS[name]
    if arguments:
        wanted = arguments == ["--help"]
        print(f"{name}: {summary}; from standard input to standard output.", file=sys.stdout if wanted else sys.stderr)
        return 0 if wanted else 1
    sys.stdout.buffer.write(convert(sys.stdin.buffer.read()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
