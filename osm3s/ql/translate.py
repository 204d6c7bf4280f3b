"""Translations of a query as `osm3s_query` and the page `convert` give them."""

from __future__ import annotations

from collections.abc import Callable

from osm3s import ql
from osm3s.errors import Message, QueryRejected

PRINTERS: dict[str, Callable[[ql.Script], str]] = {
    "xml": ql.to_xml,
    "pretty-ql": ql.to_pretty_ql,
    "compact-ql": ql.to_compact_ql,
    "bbox-ql": ql.to_bbox_ql,
}


def translate(text: str, form: str) -> tuple[str, list[Message]]:
    """The query in one of the forms above, and what is wrong with it.

    As from the reference, what could be read of a rejected query is translated all the same, and nothing comes of a
    text whose reading was given up. For QL, statements are checked after everything has been read, settings never.
    """
    try:
        root, messages = ql.read(text, check=False)
    except QueryRejected as given_up:
        return "", given_up.messages
    if form != "xml":
        try:
            checked = ql.read(text, check_settings=False)[1]
        except QueryRejected as given_up:
            checked = given_up.messages
        told = set(map(str, messages))
        messages = messages + [error for error in checked if error.kind == "static error" and str(error) not in told]
    return PRINTERS[form](root), messages
