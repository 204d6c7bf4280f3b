"""Areas follow the map: after every update they are what a look at the whole map says."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outlines import World, follow, stored, update
from update.osm_xml import change_file, osm_file
from update.programs import run, update_database
from update.small_worlds import changed, in_order

from osm3s.areas import generator
from osm3s.ffi.batch import Element
from osm3s.paths import DatabaseDir
from osm3s.storage.areas import open_areas
from osm3s.storage.snapshot import Snapshot

POSITIONS = [(0, 0), (0, 1000), (1000, 1000), (1000, 0), (500, 1_799_999_999), (400, -1_799_999_999), (890_000_000, 5)]
TAGS = [
    [("name", "A"), ("type", "multipolygon")],
    [("name", "B"), ("type", "boundary")],
    [("admin_level", "8"), ("name", "C")],
    [("postal_code", "1")],
    [("addr:postcode", "2"), ("type", "x")],
    [("type", "multipolygon")],
    [("name", "D"), ("type", "route")],
    [],
]


@st.composite
def elements(draw: st.DrawFn) -> Element:
    kind = draw(st.sampled_from(["node", "way", "way", "relation", "relation"]))
    nodes, ways = st.integers(1, 7), st.integers(1, 6)
    refs = draw(st.lists(nodes, max_size=4)) if kind == "way" else []
    return Element(
        type=kind,
        id=draw({"node": nodes, "way": ways, "relation": st.integers(1, 4)}[kind]),
        position=draw(st.sampled_from(POSITIONS)) if kind == "node" else None,
        version=1,
        timestamp=0,
        changeset=0,
        uid=0,
        user="",
        deleted=draw(st.integers(0, 5)) == 0,
        tags=draw(st.sampled_from(TAGS[:5] if draw(st.booleans()) else TAGS)) if kind == "relation" else [],
        refs=[*refs, refs[0]] if refs and draw(st.integers(0, 3)) else refs,
        members=[
            (draw(st.sampled_from(["way", "way", "way", "node"])), ref, "outer")
            for ref in draw(st.lists(ways, max_size=4))
        ]
        if kind == "relation"
        else [],
    )


START = [
    Element("node", i + 1, position, 1, 0, 0, 0, "", False, [], [], []) for i, position in enumerate(POSITIONS)
] + [
    Element("way", 1, None, 1, 0, 0, 0, "", False, [], [1, 2, 3, 1], []),
    Element("way", 2, None, 1, 0, 0, 0, "", False, [], [1, 2], []),
    Element("way", 3, None, 1, 0, 0, 0, "", False, [], [2, 5, 6, 1], []),
    Element("relation", 1, None, 1, 0, 0, 0, "", False, TAGS[0], [], [("way", 1, "outer")]),
    Element("relation", 2, None, 1, 0, 0, 0, "", False, TAGS[1], [], [("way", 3, "outer"), ("way", 2, "inner")]),
]


@settings(max_examples=18, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=st.lists(st.lists(elements(), min_size=1, max_size=6), min_size=1, max_size=6), data=st.data())
def test_areas_after_each_update(batches: list[list[Element]], data: st.DataObject) -> None:
    world: World = changed({}, START)
    with TemporaryDirectory() as folder:
        root = Path(folder) / "db"
        update(root, osm_file(in_order(world)), "auto")
        generator.follow(str(root))
        expected = follow({}, world)
        assert stored(root) == expected and expected
        for number, batch in enumerate(batches):
            world = changed(world, batch)
            update(root, change_file(batch), timestamp=f"t{number}")
            if data.draw(st.integers(0, 3)):  # else the generator has two updates to catch up with
                generator.follow(str(root))
                expected = follow(expected, world)
                assert stored(root) == expected
                with Snapshot(DatabaseDir(str(root))) as snapshot:
                    assert snapshot.areas is not None and snapshot.areas.timestamp == f"t{number}"
            else:
                before = stored(root)
                generator.follow(str(root))
                expected = follow(before, world)
                assert stored(root) == expected


def test_no_areas_unless_wanted(tmp_path: Path) -> None:
    root = tmp_path / "db"
    update(root, osm_file(START), "none")
    generator.follow(str(root))
    assert open_areas(str(root)) is None
    update(root, change_file([]), "auto")
    generator.follow(str(root))
    assert sorted(stored(root)) == [3_600_000_001, 3_600_000_002]
    update(root, change_file([START[-1]._replace(deleted=True)]), "none")
    generator.follow(str(root))
    assert sorted(stored(root)) == [3_600_000_001, 3_600_000_002]
    update(root, change_file([]), "auto")
    generator.follow(str(root))
    assert sorted(stored(root)) == [3_600_000_001]


def test_areas_of_another_map_are_not_seen_and_made_anew(tmp_path: Path) -> None:
    root = tmp_path / "db"
    update(root, osm_file(START), "auto")
    generator.follow(str(root))
    db = DatabaseDir(str(root))
    for path in db.index, *map(db.file, db.block_files):
        os.unlink(path)
    update(root, osm_file([*START[:-2], START[-2]._replace(id=3)]), "auto")
    with Snapshot(DatabaseDir(str(root))) as snapshot:
        assert snapshot.areas is None
    generator.follow(str(root))
    assert sorted(stored(root)) == [3_600_000_003]


def test_an_open_query_keeps_its_areas(tmp_path: Path) -> None:
    root = tmp_path / "db"
    assert update_database(root, osm_file(START)).returncode == 0
    with Snapshot(DatabaseDir(str(root))) as snapshot:
        assert snapshot.areas is not None
        before = snapshot.areas.find([3_600_000_001, 3_600_000_009])
        for number in range(4):
            moved = START[0]._replace(position=(number, number))
            assert update_database(root, change_file([moved])).returncode == 0
        assert [area.id for area in before] == [3_600_000_001]
        assert before[0].outline().lines() == [[(0, 0), (0, 1000), (1000, 1000), (0, 0)]]
    assert stored(root)[3_600_000_001].lines == [[(3, 3), (0, 1000), (1000, 1000), (3, 3)]]


def test_a_paused_snapshot_goes_on_with_the_areas_that_are_there_then(tmp_path: Path) -> None:
    root = tmp_path / "db"
    rule = b'<id-query type="way" ref="1" into="p"/><union><item set="p"/><recurse type="way-node" from="p"/></union>'
    assert update_database(root, osm_file(START)).returncode == 0
    with Snapshot(DatabaseDir(str(root))) as snapshot:
        first = snapshot.areas
        for _ in range(2):
            snapshot.pause()
            assert snapshot.resume() and snapshot.areas is first and first is not None
            assert first.ids() == [3_600_000_001, 3_600_000_002]
        snapshot.pause()
        rules = run("osm3s_query", f"--db-dir={root}", "--rules", stdin=rule + b'<make-area pivot="p"/>')
        assert rules.returncode == 0, "the map stays as it is, its areas do not"
        assert snapshot.resume() and snapshot.areas is not None and snapshot.areas.ids() == [2_400_000_001]
