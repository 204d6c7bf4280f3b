"""What expat finds in an OSM document: the independent witness of what is well-formed."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from osm3s.ffi.batch import Element

Comparable = tuple[Any, ...]


def comparable(e: Element) -> Comparable:
    """The parts of an element that expat_elements tells as well."""
    return e.type, e.id, e.user, e.deleted, e.tags, e.refs, e.members


def expat_elements(document: bytes) -> list[Comparable] | None:
    """None if the document is not well-formed. Numbers that are none are taken for 0."""
    found: list[list[Any]] = []
    inside = ""
    deletes = 0

    def number(text: str | None) -> int:
        try:
            return int(text or "0")
        except ValueError:
            return 0

    def start(name: str, a: dict[str, str]) -> None:
        nonlocal inside, deletes
        if name in ("node", "way", "relation"):
            inside = name
            deleted = deletes > 0 or a.get("visible") == "false"
            found.append([name, number(a.get("id")), a.get("user", ""), deleted, [], [], []])
        elif name == "tag" and inside:
            found[-1][4].append((a.get("k"), a.get("v")))
        elif name == "nd" and inside == "way":
            found[-1][5].append(number(a.get("ref")))
        elif name == "member" and inside == "relation":
            found[-1][6].append((a.get("type"), number(a.get("ref")), a.get("role", "")))
        deletes += name == "delete"

    def end(name: str) -> None:
        nonlocal inside, deletes
        if name in ("node", "way", "relation"):
            inside = ""
        deletes -= name == "delete"

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(document, True)
    except expat.ExpatError:
        return None
    return [tuple(e) for e in found]
