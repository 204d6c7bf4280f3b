"""A map of a square, two streets and four relations, and a runner of queries on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from small_map import bring_in

from osm3s.errors import QueryFailed
from osm3s.eval.limits import Limits
from osm3s.eval.script import execute
from osm3s.eval.support import check
from osm3s.ffi.sink import Sink
from osm3s.output.writer import writer_for
from osm3s.ql import parse
from osm3s.ql.formats import CsvConfig
from osm3s.ql.settings import Settings
from osm3s.storage.snapshot import Snapshot, open_snapshot

GOLDEN = Path(__file__).with_name("golden.txt")


def _meta(day: str, uid: int, user: str) -> str:
    return f'version="1" timestamp="2020-{day}T00:00:00Z" changeset="1{uid}" uid="{uid}" user="{user}"'


def _tags(tags: dict[str, str]) -> str:
    return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())


def _node(id_: int, lat: float, lon: float, meta: str, **tags: str) -> str:
    return f'<node id="{id_}" lat="{lat}" lon="{lon}" {meta}>{_tags(tags)}</node>'


def _way(id_: int, refs: list[int], **tags: str) -> str:
    nodes = "".join(f'<nd ref="{ref}"/>' for ref in refs)
    return f'<way id="{id_}" {_meta("01-03", 100, "alice")}>{nodes}{_tags(tags)}</way>'


def _relation(id_: int, members: list[tuple[str, int, str]], **tags: str) -> str:
    listed = "".join(f'<member type="{kind}" ref="{ref}" role="{role}"/>' for kind, ref, role in members)
    return f'<relation id="{id_}" {_meta("01-04", 101, "bob")}>{listed}{_tags(tags)}</relation>'


_ALICE, _BOB = _meta("01-01", 100, "alice"), _meta("01-02", 101, "bob")
CONTENT = "".join(
    [
        '<osm version="0.6">',
        _node(1, 51.0, 7.0, _ALICE),
        _node(2, 51.0, 7.01, _ALICE),
        _node(3, 51.01, 7.01, _ALICE),
        _node(4, 51.01, 7.0, _ALICE),
        _node(5, 51.005, 7.005, _BOB, amenity="cafe", name="Cafe"),
        _node(6, 51.02, 7.02, _BOB, amenity="bench", ele="12.5"),
        _node(7, 51.03, 7.02, _BOB),
        _node(8, 51.04, 7.03, _BOB),
        _way(11, [1, 2, 3, 4, 1], building="yes", name="Square"),
        _way(12, [6, 7, 8], highway="primary", maxspeed="50 mph"),
        _way(13, [3, 6], highway="residential"),
        _relation(21, [("way", 12, ""), ("node", 5, "stop"), ("way", 11, "outer")], type="route", ref="3;1; 2"),
        _relation(22, [("relation", 21, "sub")], type="collection"),
        _relation(23, [("way", 11, "outer")], type="multipolygon", name="Mp"),
        _relation(25, [("relation", 22, "")], type="empty"),
        "</osm>",
    ]
)


def make(root: Path, level: str = "meta") -> Snapshot:
    bring_in(root, CONTENT, "2020-02-01T00:00:00Z", level)
    return open_snapshot(str(root))


def run(snapshot: Snapshot, query: str, limits: Limits | None = None) -> str:
    """What an XML answer has between its frame; the text of the remark if the query fails."""
    script = parse(query)
    check(script)
    writer = writer_for("xml", CsvConfig(), Sink(-1))
    try:
        execute(script, snapshot, writer, limits or Limits(), Settings.of(script).bbox)
    except QueryFailed as error:
        return f"runtime error: {error}"
    data: Any = writer.sink.data()
    return bytes(data).decode()


def golden() -> list[tuple[str, str]]:
    """Queries and what the reference prints for them."""
    cases = []
    for section in GOLDEN.read_text(encoding="utf-8").split("=== ")[1:]:
        query, _, body = section.partition("\n")
        cases.append((query, body))
    return cases
