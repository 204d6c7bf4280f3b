"""Answers of the reference on real data: the elements it found are printed again and must come out byte by byte."""

from __future__ import annotations

import gzip
import json
import lzma
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

import pytest
from map_blocks import Blocks, ElementSet, Map, Meta, Node, Relation, Tags, Way

from osm3s.ffi.out import Users
from osm3s.ffi.sink import Sink
from osm3s.output.print_options import PrintOptions
from osm3s.output.writer import writer_for

STATES = {"vienna": "vienna", "liechtenstein-2024": "liechtenstein-2024", "andorra-0": "andorra-updates"}
MODES = {"ids": "ids_only", "skel": "skeleton", "body": "body", "tags": "tags", "meta": "meta"}
GEOMETRIES = {"geom": "full", "bb": "bounds", "center": "center"}
BODY = {
    "xml": re.compile(r"<meta [^>]*/>\n\n(?:  <bounds[^>]*/>\n\n)?(.*)\n</osm>", re.S),
    "json": re.compile(r'"elements": \[\n\n(.*)\n\n  \]', re.S),
}
ELEMENT = {
    "xml": re.compile(r'^  <(\w+) id="(\d+)"', re.M),
    "json": re.compile(r'^  "type": "(\w+)",\n  "id": (\d+)', re.M),
}
GARBAGE = re.compile(r'"(-91\.0000000|-200\.0000000|-214\.)|lon(="|": )-95\.')
"""Bounds and centres of the reference if a position is not known; osm3s leaves such positions out."""


class Case(NamedTuple):
    id: str
    format: str
    options: PrintOptions
    body: str


def options_of(out: str) -> PrintOptions | None:
    """The words of an out statement; None if it prints no elements."""
    mode, geometry, order, ids, bbox = "body", "skeleton", "id", True, None
    if box := re.search(r"\(([^)]*)\)", out):
        south, west, north, east = map(float, box[1].split(","))
        bbox = (south, west, north, east)
        out = out.replace(box[0], " ")
    for word in out.split():
        if word == "count":
            return None
        mode, geometry = MODES.get(word, mode), GEOMETRIES.get(word, geometry)
        order = "quadtile" if word == "qt" else order
        ids = ids and word != "noids"
    return PrintOptions(mode, geometry, order, ids, None, bbox)


def case_of(line: str, state: str) -> Case | None:
    """A case with one out statement that prints nothing but elements; None if it is not of that kind."""
    raw = json.loads(line)
    query = raw.get("query") or (raw.get("queries") or [""])[0]
    if raw.get("state") != state or raw["compare"] == "ids" or re.search(r"\[(date|diff|adiff):|<|//|/\*", query):
        return None
    outs = re.findall(r"\bout\b([^:;]*);", query)
    format_ = match[1] if (match := re.search(r"\[\s*out\s*:\s*(\w+)", query)) else "xml"
    if len(outs) != 1 or format_ not in BODY or re.search(r"\b(foreach|for|complete|retro|if)\b\s*[(.{-]", query):
        return None
    options, body = options_of(outs[0]), BODY[format_].search(raw["expected"])
    if options is None or not options.ids or body is None or GARBAGE.search(raw["expected"]):
        return None
    types = {type_ for type_, _ in ELEMENT[format_].findall(body[1])}
    return Case(raw["id"], format_, options, body[1]) if types and types <= {"node", "way", "relation"} else None


def cases(shared: Path, state: str) -> Iterator[Case]:
    with gzip.open(shared / "conformance" / "cases" / f"{STATES[state]}.jsonl.gz", "rt") as file:
        for line in file:
            if case := case_of(line, state):
                yield case


def read_map(path: Path) -> tuple[Map, dict[int, str]]:
    """Elements of an OSM file and the names of its users."""
    elements: list[Node | Way | Relation] = []
    users: dict[int, str] = {}
    current: dict[str, Any] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name in ("node", "way", "relation"):
            current.clear()
            current.update(attributes, tags={}, parts=[])
        elif name == "tag":
            current["tags"][attributes["k"]] = attributes["v"]
        elif name == "nd":
            current["parts"].append(int(attributes["ref"]))
        elif name == "member":
            current["parts"].append((attributes["type"], int(attributes["ref"]), attributes["role"]))

    def end(name: str) -> None:
        if name not in ("node", "way", "relation"):
            return
        id_, tags, uid = int(current["id"]), current["tags"], int(current.get("uid", 0))
        users[uid] = current.get("user", "")
        seconds = int(datetime.fromisoformat(current["timestamp"]).timestamp()) if "timestamp" in current else 0
        meta = Meta(int(current.get("version", 0)), seconds, int(current.get("changeset", 0)), uid)
        elements.append(made(name, id_, current, tags, meta))

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    with lzma.open(path) as file:
        parser.ParseFile(file)
    return Map(elements), users


def made(name: str, id_: int, raw: dict[str, Any], tags: Tags, meta: Meta) -> Node | Way | Relation:
    if name == "node":
        return Node(id_, round(float(raw["lat"]) * 1e7), round(float(raw["lon"]) * 1e7), tags, meta)
    return Way(id_, raw["parts"], tags, meta) if name == "way" else Relation(id_, raw["parts"], tags, meta)


def found_by_reference(case: Case, blocks: Blocks) -> tuple[ElementSet, ElementSet]:
    """The elements of the answer, and the members of its relations."""
    by_type: dict[str, list[int]] = {"node": [], "way": [], "relation": []}
    for type_, id_ in ELEMENT[case.format].findall(case.body):
        by_type[type_].append(int(id_))
    elements = blocks.elements(nodes=by_type["node"], ways=by_type["way"], relations=by_type["relation"])
    return elements, blocks.members_of(by_type["relation"])


@pytest.mark.parametrize("state", STATES)
def test_elements_are_printed_as_by_the_reference(shared_dir: Path, tmp_path: Path, state: str) -> None:
    content, names = read_map(shared_dir / "conformance" / "datasets" / f"{state.replace('-0', '-2016')}.osm.xz")
    blocks, users = Blocks(content, tmp_path), Users.of(names)
    checked, wrong = 0, []
    for case in cases(shared_dir, state):
        elements, members = found_by_reference(case, blocks)
        sink = Sink()
        writer_for(case.format, None, sink).elements(blocks, elements, case.options, members, users)
        checked += 1
        if sink.data().decode() != case.body:
            wrong.append(case.id)
    assert checked > 20
    assert not wrong, f"{len(wrong)} of {checked}"
