"""Areas of a map that is too large for one commit: part by part, interrupted anywhere, overtaken by updates."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from killed_process import killed
from outlines import Area, follow, stored, update
from test_area_crashes import NEW, OLD, OUTCOMES, ROLLED
from test_rules import WAYS_RULE
from update.osm_xml import change_file, osm_file
from update.programs import run
from update.small_worlds import World, changed

from osm3s.areas import assembly, generator, whole_map
from osm3s.areas.writing import AreaChange
from osm3s.cli import verify
from osm3s.errors import StorageError
from osm3s.ffi.batch import Element
from osm3s.paths import AREAS, DatabaseDir
from osm3s.storage.areas import open_areas
from osm3s.storage.recovery import CLEAN, recover
from osm3s.storage.snapshot import Snapshot
from osm3s.update.permission import Permission

N = 9
NODES = [Element("node", i, (i * 10, i % 3 * 10), 1, 0, 0, 0, "", False, [], [], []) for i in range(1, 3 * N + 1)]
WAYS = [
    Element("way", i, None, 1, 0, 0, 0, "", False, [], [3 * i - 2, 3 * i - 1, 3 * i, 3 * i - 2], [])
    for i in range(1, N + 1)
]
RELATIONS = [
    Element("relation", i, None, 1, 0, 0, 0, "", False, [("postal_code", str(i))], [], [("way", i, "")])
    for i in range(1, N + 1)
]
WORLD = changed({}, [*NODES, *WAYS, *RELATIONS])


class Parts:
    """Counts the commits, and fails where it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.n, self.fails_at, self._write = 0, 0, generator.write
        monkeypatch.setattr(assembly, "RELATIONS_PER_STEP", 1)
        monkeypatch.setattr(whole_map, "MOST_POINTS", 5)
        monkeypatch.setattr(generator, "write", self.write)

    def write(self, permission: Permission, change: AreaChange) -> int:
        self.n += 1
        if self.n == self.fails_at:
            raise StorageError("the disk is full")
        return self._write(permission, change)


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    return Parts(monkeypatch)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    update(tmp_path / "db", osm_file([*NODES, *WAYS, *RELATIONS]), "auto", "t1")
    return tmp_path / "db"


def visible(root: Path) -> bool:
    with Snapshot(DatabaseDir(str(root))) as snapshot:
        return snapshot.areas is not None


def expected(*worlds: World) -> dict[int, Area]:
    areas: dict[int, Area] = {}
    for world in worlds:
        areas = follow(areas, world)
    return areas


def test_parts_become_visible_together(root: Path, parts: Parts) -> None:
    parts.fails_at = 4
    with pytest.raises(StorageError):
        generator.follow(str(root))
    assert not visible(root)
    areas = open_areas(str(root))
    assert areas is not None and len(areas) == 6
    areas.snapshot.close()
    generator.follow(str(root))
    assert parts.n == 6, "the two parts that were missing"
    assert stored(root) == expected(WORLD)
    generator.follow(str(root))
    assert parts.n == 6


def test_updates_between_parts(root: Path, parts: Parts) -> None:
    """What an update changes in areas that are done is made anew at the end."""
    parts.fails_at = 3
    with pytest.raises(StorageError):
        generator.follow(str(root))
    change = [
        NODES[0]._replace(position=(-7, -7)),
        RELATIONS[1]._replace(deleted=True),
        RELATIONS[7]._replace(tags=[]),
        RELATIONS[8]._replace(id=N + 1),
    ]
    update(root, change_file(change), None, "t2")
    generator.follow(str(root))
    assert stored(root) == expected(changed(WORLD, change))
    with Snapshot(DatabaseDir(str(root))) as snapshot:
        assert snapshot.areas is not None and snapshot.areas.timestamp == "t2"
        settings = snapshot.areas.snapshot.settings
        assert (settings.made_from, settings.build) == (snapshot.settings.commit, [])


@pytest.mark.parametrize("part", [2, 5])
@pytest.mark.parametrize("failpoint", [*OLD, *ROLLED, *NEW])
def test_a_killed_part(root: Path, parts: Parts, failpoint: str, part: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The next update goes on with the part that is missing; the fifth is the last."""
    assert killed(failpoint, lambda: generator.follow(str(root)), part) == -signal.SIGKILL
    assert visible(root) == (part == 5 and failpoint in NEW)
    assert recover(str(root), AREAS) == OUTCOMES.get(failpoint, CLEAN)
    n_done = part if failpoint in ROLLED + NEW else part - 1
    assert visible(root) == (n_done == 5)
    generator.follow(str(root))
    assert stored(root) == expected(WORLD) and parts.n == 5 - n_done
    assert verify.main([f"--db-dir={root}"]) == 0, capsys.readouterr().out


def test_areas_of_rules_are_taken_over_part_by_part(root: Path, parts: Parts) -> None:
    rule = WAYS_RULE.replace('<has-kv k="kind"/>', '<id-query type="way" lower="1" upper="99"/>')
    assert run("osm3s_query", f"--db-dir={root}", "--rules", stdin=rule.encode()).returncode == 0
    of_rules = stored(root)
    assert sorted(of_rules) == [2_400_000_000 + i for i in range(1, N + 1)]
    parts.fails_at = 3
    with pytest.raises(StorageError):
        generator.follow(str(root), take_over=True)
    assert visible(root) and len(stored(root)) == 4
    generator.follow(str(root))
    assert stored(root) == expected(WORLD)


def test_rules_win_over_a_build(root: Path, parts: Parts) -> None:
    parts.fails_at = 3
    with pytest.raises(StorageError):
        generator.follow(str(root))
    rule = WAYS_RULE.replace('<has-kv k="kind"/>', '<id-query type="way" ref="1"/>')
    assert run("osm3s_query", f"--db-dir={root}", "--rules", stdin=rule.encode()).returncode == 0
    assert sorted(stored(root)) == [2_400_000_001]
    generator.follow(str(root))
    assert sorted(stored(root)) == [2_400_000_001]
