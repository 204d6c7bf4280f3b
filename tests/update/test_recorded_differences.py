"""`[adiff:]` between two minutes beside the augmented diffs that a server once published of these minutes."""

from __future__ import annotations

from pathlib import Path

from recorded_differences import World, actions_in, described, recorded
from test_history_random import assert_sound, bring_in, printed

MINUTES = ("04:17", "04:18", "04:19")
QUERY = '[adiff:"2017-03-09T{}:00Z","2017-03-09T{}:00Z"];(node(changed);way(changed);relation(changed););out meta geom;'


def test_minutes_are_told_as_they_were(shared_dir: Path, tmp_path: Path) -> None:
    diffs = [recorded(shared_dir / "data" / "diffs" / f"adiff-{number}.adiff.xz") for number in (2360002, 2360003)]
    world, root = World(diffs), tmp_path / "db"
    bring_in(root, world.osm(), "attic")
    for number in range(2):
        bring_in(root, world.osc(number))
    assert_sound(root)
    for diff, start, end in zip(diffs, MINUTES, MINUTES[1:], strict=False):
        found = actions_in(printed(root, QUERY.format(start, end), "xml"))
        assert sorted(found) == sorted(diff)
        for key, (kind, old, new) in diff.items():
            assert found[key][0] == kind, key
            assert list(described(found[key][1])) == list(described(old)), key
            assert list(described(found[key][2])) == list(described(new)), key
