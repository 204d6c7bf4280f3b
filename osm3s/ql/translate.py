"""Translate a query from standard input: `--dump-xml`, `--dump-pretty-ql`, `--dump-compact-ql` or `--dump-bbox-ql`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from osm3s import ql
from osm3s.errors import QueryRejected

from .request import from_console

PRINTERS: dict[str, Callable[[ql.Script], str]] = {
    "--dump-xml": ql.to_xml,
    "--dump-pretty-ql": ql.to_pretty_ql,
    "--dump-compact-ql": ql.to_compact_ql,
    "--dump-bbox-ql": ql.to_bbox_ql,
}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in PRINTERS:
        print(f"usage: python -m osm3s.ql.translate {' | '.join(PRINTERS)}", file=sys.stderr)
        return 1
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    try:
        root, messages = ql.read(from_console(text), check=False)
    except QueryRejected as given_up:
        root, messages = None, given_up.messages
    for message in messages:
        print(message, file=sys.stderr)
    if root is not None:  # as the reference, which prints what it could read
        sys.stdout.buffer.write(PRINTERS[arguments[0]](root).encode("utf-8", "surrogateescape"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
