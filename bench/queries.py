"""The standard queries: read from their files, filled with a data set's places, and their answers compared."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

QUERY_DIRECTORY = Path(__file__).resolve().parent / "queries"
HEADER_LINE = re.compile(r"// (row|what): (.*)")
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
XML_ELEMENT_START = re.compile(rb"^  <(?=node |way |relation |count )", re.MULTILINE)
JSON_ELEMENTS = b'"elements": ['
JSON_ELEMENT_START = re.compile(rb'^\{\n  "type"', re.MULTILINE)


@dataclass(frozen=True)
class Query:
    """A standard query: its row in the table of targets, what it asks, and its text with the places filled in."""

    name: str
    row: str
    what: str
    text: str


def read_queries(places: Mapping[str, str], directory: Path = QUERY_DIRECTORY) -> list[Query]:
    """All query files of a directory in the order of their names. Raises KeyError for a place that is not given."""
    return [read_query(path, places) for path in sorted(directory.glob("*.overpassql"))]


def read_query(path: Path, places: Mapping[str, str]) -> Query:
    header = {}
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        match = HEADER_LINE.fullmatch(line)
        if match:
            header[match[1]] = match[2]
        else:
            lines.append(PLACEHOLDER.sub(lambda found: places[found[1]], line))
    return Query(path.name.partition(".")[0], header["row"], header["what"], "\n".join(lines) + "\n")


@dataclass(frozen=True)
class Answer:
    """What an answer holds from its first element on; the lines before it name the program and the data's time."""

    size_bytes: int
    elements: int
    digest: str
    unordered_digest: str
    counts: tuple[str, ...] = ()


def read_answer(body: bytes) -> Answer:
    """Count and digest the elements of an XML or JSON answer, in their order and without it."""
    elements = _json_elements(body) if body.lstrip()[:1] == b"{" else _xml_elements(body)
    digest, unordered = hashlib.sha256(), Counter[bytes]()
    for element in elements:
        digest.update(element)
        unordered[hashlib.blake2b(element, digest_size=12).digest()] += 1
    sorted_digest = hashlib.sha256()
    for key in sorted(unordered):
        sorted_digest.update(key + unordered[key].to_bytes(4, "big"))
    counts = tuple(
        element.decode("utf-8", "replace")
        for element in elements
        if b'"count"' in element[:40] or b"<count" in element[:10]
    )
    return Answer(len(body), len(elements), digest.hexdigest(), sorted_digest.hexdigest(), counts)


def _xml_elements(body: bytes) -> list[bytes]:
    starts = [match.start() for match in XML_ELEMENT_START.finditer(body)]
    end = body.rfind(b"\n</osm>")
    ends = [*starts[1:], end if end >= 0 else len(body)]
    return [body[start:stop].strip() for start, stop in zip(starts, ends, strict=False)]


def _json_elements(body: bytes) -> list[bytes]:
    begin = body.find(JSON_ELEMENTS)
    end = body.rfind(b"]")
    part = body[begin + len(JSON_ELEMENTS) : end] if begin >= 0 else b""
    starts = [match.start() for match in JSON_ELEMENT_START.finditer(part)]
    ends = [*starts[1:], len(part)]
    return [part[start:stop].strip().rstrip(b",") for start, stop in zip(starts, ends, strict=False)]


def compare(ours: Answer, theirs: Answer) -> str:
    """'same', 'other order', or what differs."""
    if ours.digest == theirs.digest:
        return "same"
    if ours.unordered_digest == theirs.unordered_digest:
        return "other order"
    if ours.counts != theirs.counts:
        return "other counts"
    if ours.elements != theirs.elements:
        return f"{ours.elements} elements instead of {theirs.elements}"
    return "other content"


def remark_of(body: bytes) -> str | None:
    """The remark (a run-time error, usually) at an answer's end, if it has one."""
    match = re.search(rb'(?:"remark": "|<remark>)([^"<]*)', body[-2000:])
    return match[1].decode("utf-8", "replace").strip() if match else None
