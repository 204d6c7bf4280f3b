"""Databases made from a few lines of OSM XML, and answers from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osm3s.errors import QueryFailed
from osm3s.eval.limits import Limits
from osm3s.eval.script import execute
from osm3s.ffi.sink import Sink
from osm3s.output.writer import writer_for
from osm3s.ql import parse
from osm3s.ql.formats import CsvConfig
from osm3s.storage.snapshot import open_snapshot
from osm3s.update.update_files import update_files


def node(id_: int, position: tuple[float, float], time: str = "2020-01-01T00:00:00Z", tags: str = "") -> str:
    """`tags` here and below: "key=value key=value"."""
    lat, lon = position
    return f'<node id="{id_}" lat="{lat}" lon="{lon}" {_metadata(time)}>{_tags(tags)}</node>'


def way(id_: int, refs: Sequence[int], time: str = "2020-01-01T00:00:00Z", tags: str = "") -> str:
    nodes = "".join(f'<nd ref="{ref}"/>' for ref in refs)
    return f'<way id="{id_}" {_metadata(time)}>{nodes}{_tags(tags)}</way>'


def relation(id_: int, members: Sequence[tuple[str, int]], time: str = "2020-01-01T00:00:00Z", tags: str = "") -> str:
    listed = "".join(f'<member type="{kind}" ref="{ref}" role=""/>' for kind, ref in members)
    return f'<relation id="{id_}" {_metadata(time)}>{listed}{_tags(tags)}</relation>'


def _metadata(time: str) -> str:
    return f'version="1" timestamp="{time}" changeset="1" uid="1" user="u"'


def _tags(tags: str) -> str:
    pairs = [tag.split("=") for tag in tags.split()]
    return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in pairs)


def osm(*elements: str) -> str:
    return f'<osm version="0.6">{"".join(elements)}</osm>'


def osm_change(**actions: Sequence[str]) -> str:
    sections = "".join(f"<{action}>{''.join(elements)}</{action}>" for action, elements in actions.items())
    return f'<osmChange version="0.6">{sections}</osmChange>'


def bring_in(root: Path, content: str, timestamp: str, level: str = "attic") -> None:
    """Import into `root`, or change what is there."""
    file = root.parent / f"{root.name}.xml"
    file.write_text(content, encoding="utf-8")
    update_files(str(root), [str(file)], level, timestamp, None)


def answer(root: Path, query: str, format_: str = "xml") -> str:
    """Everything that is printed; a query that fails ends with a remark."""
    snapshot, sink = open_snapshot(str(root)), Sink(-1)
    try:
        writer = writer_for(format_, CsvConfig(), sink)
        writer.header("")
        try:
            execute(parse(query), snapshot, writer, Limits())
        except QueryFailed as error:
            writer.remark(f"runtime error: {error}")
        writer.footer()
        sink.flush()
        data: Any = sink.data()
        return bytes(data).decode()
    finally:
        snapshot.close()


def elements(root: Path, query: str) -> list[dict[str, Any]]:
    """The elements of the answer, as JSON has them."""
    found: list[dict[str, Any]] = json.loads(answer(root, query, "json"))["elements"]
    return found


def names(root: Path, query: str) -> str:
    """The types and ids of the elements of the answer, as in "n1 w2"."""
    return " ".join(f"{element['type'][0]}{element['id']}" for element in elements(root, query))
