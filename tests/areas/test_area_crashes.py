"""Whatever kills a writer of areas: they are the old ones or the new ones, and the next update makes up for it."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import lmdb
import pytest
from killed_process import killed
from outlines import Area, follow, stored
from test_follow import START
from test_rules import WAYS_RULE
from update.osm_xml import change_file, osm_file
from update.programs import PROJECT, run, update_database
from update.small_worlds import changed

from osm3s.areas import generator
from osm3s.cli import verify
from osm3s.cli.update_map import follow_map
from osm3s.paths import AREAS, DatabaseDir
from osm3s.storage.recovery import CLEAN, ROLLED_BACK, ROLLED_FORWARD, recover
from osm3s.storage.snapshot import Snapshot

NO_DOMAIN, DOMAIN = ["domain_before_rename"], ["domain_after_rename"]
OLD = ["after_extents", "before_shadow_complete"]
ROLLED = ["before_sync", "after_shadow_sync", "before_merge", "in_merge"]
NEW = ["after_merge", "after_mirrors", "after_shadow_removed"]
IN_RECOVERY = ["recovery_after_merge", "recovery_after_mirrors"]
OUTCOMES = dict.fromkeys([*NO_DOMAIN, *DOMAIN, "before_shadow_complete"], ROLLED_BACK) | dict.fromkeys(
    ROLLED, ROLLED_FORWARD
)
CHANGES = [START[1]._replace(position=(5, 3000)), START[-1]._replace(deleted=True), START[-2]._replace(id=4)]
NOTHING = change_file([])


def areas_of(*changes: list) -> dict[int, Area]:  # type: ignore[type-arg]
    world = changed({}, START)
    areas = follow({}, world)
    for change in changes:
        world = changed(world, change)
        areas = follow(areas, world)
    return areas


def check(root: Path, expected: dict[int, Area], capsys: pytest.CaptureFixture[str]) -> None:
    assert stored(root) == expected
    assert verify.main([f"--db-dir={root}"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("failpoint", [*NO_DOMAIN, *DOMAIN, *OLD, *ROLLED, *NEW])
def test_killed_after_an_import(tmp_path: Path, failpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "db"
    assert update_database(root, osm_file(START), failpoint=failpoint).returncode == -signal.SIGKILL
    with Snapshot(DatabaseDir(str(root))) as snapshot:
        assert snapshot.settings.n_elements == [7, 3, 2]
        assert (snapshot.areas is not None) == (failpoint in NEW), "areas of no map yet are not seen"
    assert update_database(root, NOTHING).returncode == 0
    check(root, areas_of(), capsys)


@pytest.mark.parametrize("failpoint", [*OLD, *ROLLED, *NEW])
def test_killed_after_an_update(tmp_path: Path, failpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "db"
    assert update_database(root, osm_file(START), "--version=t1").returncode == 0
    killed = update_database(root, change_file(CHANGES), "--version=t2", failpoint=f"{failpoint}:2")
    assert killed.returncode == -signal.SIGKILL
    before, after = areas_of(), areas_of(CHANGES)
    assert stored(root) == (after if failpoint in NEW else before) != (before if failpoint in NEW else after)
    assert recover(str(root), AREAS) == OUTCOMES.get(failpoint, CLEAN)
    assert recover(str(root), AREAS) == CLEAN
    assert recover(str(root)) == CLEAN
    check(root, after if failpoint in ROLLED + NEW else before, capsys)
    version = Path(DatabaseDir(str(root)).areas.version).read_text()
    assert version == ("t2\n" if failpoint in ROLLED + NEW else "t1\n")
    assert update_database(root, NOTHING, "--version=t3").returncode == 0
    check(root, after, capsys)
    assert Path(DatabaseDir(str(root)).areas.version).read_text() == "t3\n"


def test_killed_before_the_areas_were_begun(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "db"
    assert update_database(root, osm_file(START)).returncode == 0
    killed = update_database(root, change_file(CHANGES), failpoint="after_shadow_removed")
    assert killed.returncode == -signal.SIGKILL
    check(root, areas_of(), capsys)
    assert update_database(root, NOTHING).returncode == 0
    check(root, areas_of(CHANGES), capsys)


@pytest.mark.parametrize("place", ["in_merge", *IN_RECOVERY])
def test_a_killed_recovery(tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "db"
    assert update_database(root, osm_file(START), "--version=t1").returncode == 0
    update = update_database(root, change_file(CHANGES), "--version=t2", failpoint="before_merge:2")
    assert update.returncode == -signal.SIGKILL
    for _ in range(2):  # the second time also from what the first one has left
        assert killed(place, lambda: recover(str(root), AREAS)) == -signal.SIGKILL
        assert stored(root) == areas_of(*([] if place == "in_merge" else [CHANGES]))
    assert recover(str(root), AREAS) == (ROLLED_FORWARD if place == "in_merge" else CLEAN)
    assert recover(str(root), AREAS) == CLEAN
    check(root, areas_of(CHANGES), capsys)
    assert Path(DatabaseDir(str(root)).areas.version).read_text() == "t2\n"


@pytest.mark.parametrize("failpoint", [*OLD, *ROLLED, *NEW])
def test_a_killed_run_of_rules(tmp_path: Path, failpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    root, arguments = tmp_path / "db", ("--rules", "--concise")
    rule = WAYS_RULE.replace('<has-kv k="kind"/>', '<id-query type="way" ref="1"/>').encode()
    assert update_database(root, osm_file(START)).returncode == 0
    killed = run("osm3s_query", f"--db-dir={root}", *arguments, stdin=rule, failpoint=failpoint)
    assert killed.returncode == -signal.SIGKILL
    assert sorted(stored(root)) == ([2_400_000_001] if failpoint in NEW else sorted(areas_of()))
    assert run("osm3s_query", f"--db-dir={root}", *arguments, stdin=rule).returncode == 0
    assert sorted(stored(root)) == [2_400_000_001]
    assert verify.main([f"--db-dir={root}"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("failpoint", [*NO_DOMAIN, *DOMAIN, *OLD, *ROLLED, *NEW])
def test_a_killed_first_run_of_rules(tmp_path: Path, failpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    root, program = tmp_path / "db", ("osm3s_query", f"--db-dir={tmp_path / 'db'}", "--rules", "--concise")
    rule = WAYS_RULE.replace('<has-kv k="kind"/>', '<id-query type="way" ref="1"/>').encode()
    assert update_database(root, osm_file(START), "--areas=none").returncode == 0
    assert run(*program, stdin=rule, failpoint=failpoint).returncode == -signal.SIGKILL
    with Snapshot(DatabaseDir(str(root))) as snapshot:
        assert (snapshot.areas is not None) == (failpoint in NEW), "areas of no map yet are not seen"
    assert recover(str(root), AREAS) == OUTCOMES.get(failpoint, CLEAN)
    assert recover(str(root), AREAS) == CLEAN
    with Snapshot(DatabaseDir(str(root))) as snapshot:
        assert (snapshot.areas is not None) == (failpoint in ROLLED + NEW)
    assert run(*program, stdin=rule).returncode == 0
    assert sorted(stored(root)) == [2_400_000_001]
    assert verify.main([f"--db-dir={root}"]) == 0, capsys.readouterr().out


def test_every_place_is_killed_at() -> None:
    """Those of imports, which write no areas, apart."""
    named = set()
    for file in (PROJECT / "osm3s").rglob("*.py"):
        named |= set(re.findall(r'failpoint\.reached\(f?"(\w+)', file.read_text()))
    known = [*NO_DOMAIN, *DOMAIN, *OLD, *ROLLED, *NEW, *IN_RECOVERY]
    assert {name for name in named if not name.startswith("import_")} == set(known)


def test_trouble_with_areas_harms_no_update_of_the_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The map is updated, the areas are not, which is said; the next update makes up for it."""
    root = tmp_path / "db"
    assert update_database(root, osm_file(START)).returncode == 0
    writer = Path(DatabaseDir(str(root)).areas.writer_lock)
    writer.unlink()
    writer.mkdir()
    answer = update_database(root, change_file(CHANGES))
    assert answer.returncode == 0 and answer.stderr.decode().startswith("The map is updated, its areas are not: ")
    check(root, areas_of(), capsys)
    writer.rmdir()
    assert update_database(root, NOTHING).returncode == 0
    check(root, areas_of(CHANGES), capsys)


def test_an_index_of_areas_that_is_damaged_harms_no_follower(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def damaged(root: str, take_over: bool) -> None:
        raise lmdb.CorruptedError("mdb_cursor_get: Located page was wrong type")

    monkeypatch.setattr(generator, "follow", damaged)
    follow_map("db")
    assert capsys.readouterr().err.startswith("The map is updated, its areas are not: mdb_cursor_get: Located page")
