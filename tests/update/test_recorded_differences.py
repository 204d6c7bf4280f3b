"""`[adiff:]` between two minutes beside the augmented diffs that a server once published of these minutes."""

from __future__ import annotations

from pathlib import Path

from recorded_differences import World, actions_in, described, recorded
from test_history_random import assert_sound, bring_in

from osm3s.eval.limits import Limits
from osm3s.eval.script import execute
from osm3s.ffi.sink import Sink
from osm3s.output.writer import writer_for
from osm3s.paths import DatabaseDir
from osm3s.ql import parse
from osm3s.ql.formats import CsvConfig
from osm3s.storage.snapshot import Snapshot

MINUTES = ("04:17", "04:18", "04:19")
QUERY = '[adiff:"2017-03-09T{}:00Z","2017-03-09T{}:00Z"];(node(changed);way(changed);relation(changed););out meta geom;'


def answer(root: Path, query: str) -> bytes:
    sink = Sink(-1)
    with Snapshot(DatabaseDir(str(root))) as snapshot:
        writer = writer_for("xml", CsvConfig(), sink)
        writer.header("")
        execute(parse(query), snapshot, writer, Limits())
        writer.footer()
        sink.flush()
        return bytes(sink.data())


def test_minutes_are_told_as_they_were(shared_dir: Path, tmp_path: Path) -> None:
    diffs = [recorded(shared_dir / "data" / "diffs" / f"adiff-{number}.adiff.xz") for number in (2360002, 2360003)]
    world, root = World(diffs), tmp_path / "db"
    bring_in(root, world.osm(), "attic")
    for number in range(2):
        bring_in(root, world.osc(number))
    assert_sound(root)
    for diff, start, end in zip(diffs, MINUTES, MINUTES[1:], strict=False):
        found = actions_in(answer(root, QUERY.format(start, end)))
        assert sorted(found) == sorted(diff)
        for key, (kind, old, new) in diff.items():
            assert found[key][0] == kind, key
            assert list(described(found[key][1])) == list(described(old)), key
            assert list(described(found[key][2])) == list(described(new)), key
