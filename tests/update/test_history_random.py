"""Whatever happened when: a query with a date is answered as by a database imported from what was there then."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from history_model import HistoryModel, histories
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from osm_xml import change_file, osm_file
from small_worlds import in_order

from osm3s.eval.limits import Limits
from osm3s.eval.script import execute
from osm3s.ffi.batch import Element
from osm3s.ffi.sink import Sink
from osm3s.output.writer import writer_for
from osm3s.paths import DatabaseDir
from osm3s.ql import parse
from osm3s.ql.formats import CsvConfig
from osm3s.storage.check_database import check_database
from osm3s.storage.snapshot import Snapshot
from osm3s.update import compact
from osm3s.update.permission import writing
from osm3s.update.update_files import update_files

QUERIES = """
(node[!none]; way[!none]; relation[!none];); out meta;
way[!none]; out ids geom;
nwr(50, 8, 50.0005, 8.0005); out ids;
nwr(-90, -180, 90, 180)(if: t["name"] != "x" || version() > 1); out ids bb;
nwr[~"."~"x"]; out tags center;
way[highway]; (._; >;); out meta;
node[name]; <<; out body;
relation[a]; >>; out skel;
rel(bn)[ab]; out count;
node(id: 1, 2, 3, 4, 5, 4095); (._; rel(bn); way(bn);); out ids;
way(around: 20, 50.0002, 8.0002); node(w); out meta;
relation[!none]; way(r); out count;
node[name]; out count;
way[highway~"^xy"]; out count;
nwr[a=x]; out count;
"""


def printed(root: Path, query: str, format_: str) -> bytes:
    sink = Sink(-1)
    with Snapshot(DatabaseDir(str(root))) as snapshot:
        writer = writer_for(format_, CsvConfig(), sink)
        writer.header("")
        execute(parse(query), snapshot, writer, Limits())
        writer.footer()
        sink.flush()
        return bytes(sink.data())


def answer(root: Path, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(printed(root, query, "json"))["elements"]
    return found


def bring_in(root: Path, content: bytes, level: str | None = None, name: str = "input.osm") -> None:
    file = root.parent / name
    file.write_bytes(content)
    update_files(str(root), [str(file)], level, None, None)


def date(time: int) -> str:
    return f'[date:"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"];'


def assert_sound(root: Path) -> None:
    db = DatabaseDir(str(root))
    with Snapshot(db) as snapshot:
        assert list(check_database(snapshot, db, lambda what, done, total: None)) == []


def check_dates(folder: Path, root: Path, model: HistoryModel, times: list[int]) -> None:
    for number, time in enumerate(times):
        world = folder / f"world{number}"
        bring_in(world, osm_file(model.world(time)), "meta")
        for query in QUERIES.strip().splitlines():
            assert answer(root, date(time) + query) == answer(world, query), (query, time)


def some_times(data: st.DataObject, model: HistoryModel) -> list[int]:
    complete = [time for time in model.times() if model.is_complete(time)]
    return data.draw(st.lists(st.sampled_from(complete), max_size=3, unique=True)) if complete else []


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories(), data=st.data())
def test_dates_after_changes(history: tuple[list[Element], list[list[Element]]], data: st.DataObject) -> None:
    start, batches = history
    model = HistoryModel()
    with TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "db"
        model.feed(start)
        bring_in(root, osm_file(in_order({(e.type, e.id): e for e in start})), "attic")
        for batch in batches:
            model.feed(batch)
            bring_in(root, change_file(batch))
        assert_sound(root)
        check_dates(folder, root, model, some_times(data, model))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories(), data=st.data())
def test_dates_of_a_full_history(history: tuple[list[Element], list[list[Element]]], data: st.DataObject) -> None:
    start, batches = history
    model = HistoryModel()
    model.feed([*start, *(element for batch in batches for element in batch)])
    everything = [element for versions in model.versions.values() for element in versions]
    with TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "db"
        bring_in(root, full_history(everything), "attic", "input.osh")
        assert_sound(root)
        check_dates(folder, root, model, some_times(data, model))


def full_history(elements: list[Element]) -> bytes:
    """All versions in one document, deleted ones marked as not visible."""
    text = osm_file(
        sorted(elements, key=lambda e: (("node", "way", "relation").index(e.type), e.id, e.version))
    ).decode()
    for element in elements:
        if element.deleted:
            start = f'<{element.type} id="{element.id}" version="{element.version}"'
            text = text.replace(start + " ", start + ' visible="false" ')
    return text.encode()


def test_compacting_leaves_the_past_as_it_is(tmp_path: Path) -> None:
    root, time = tmp_path / "db", 1_000_000_000
    nodes = [
        Element("node", i, (i * 900, i * 700), 1, time, 1, 1, "u", False, [("n", str(i))], [], [])
        for i in range(1, 3000)
    ]
    ways = [Element("way", i, None, 1, time, 1, 1, "u", False, [("w", "1")], [i, i + 1], []) for i in range(1, 2000)]
    bring_in(root, osm_file([*nodes, *ways]), "attic")
    before = answer(root, QUERIES.strip().splitlines()[0])
    moved = [node._replace(position=(node.id * 900, 5), version=2, timestamp=time + 9, tags=[]) for node in nodes[::2]]
    bring_in(
        root, change_file([*moved, *(way._replace(deleted=True, version=2, timestamp=time + 9) for way in ways[::3])])
    )
    more = [node._replace(id=node.id + 5000, timestamp=time + 9) for node in nodes for _ in "ab"]
    bring_in(
        root, change_file([n._replace(id=n.id + k * 7000, position=(n.id * 90, k)) for n in more for k in range(4)])
    )
    with writing(str(root)) as permission:
        compact.compact(permission)
    assert_sound(root)
    assert answer(root, date(time + 8) + QUERIES.strip().splitlines()[0]) == before
