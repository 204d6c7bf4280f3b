"""What many commits leave behind: the changelog and the files stop growing, and readers are not disturbed.

OSM3S_SOAK_COMMITS=20000 makes the short run a long one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from database import Database
from osm_xml import change_file, osm_file
from programs import PROJECT
from small_feed import NODE
from test_readers import elements

from osm3s.paths import DatabaseDir
from osm3s.replication.state import iso, seconds_of
from osm3s.storage import index_keys
from osm3s.update import prune_changelog
from osm3s.update.update_files import update_files

COMMITS = int(os.environ.get("OSM3S_SOAK_COMMITS", "100"))
BEGIN_S = seconds_of("2026-01-01T00:00:00Z") or 0.0
DAY_S = 86400


def logged(root: Path) -> list[int]:
    keys = (key for key in Database(root).index if key[:1] == index_keys.CHANGELOG)
    return [int.from_bytes(key[1:], "big") for key in sorted(keys)]


@pytest.mark.parametrize("level", ["meta", "attic"])
def test_the_changelog_reaches_back_a_month(tmp_path: Path, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune_changelog, "MOST_ENTRIES", 3)
    root, file = tmp_path / "db", tmp_path / "input.osm"
    file.write_bytes(osm_file([NODE]))
    update_files(str(root), [str(file)], level, iso(BEGIN_S), None)
    days = [1, 2, 3, 20, 33, 34, 52, 90, 91, 92]
    expected = [[2], [2, 3], [2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 6], [4, 5, 6, 7], [6, 7, 8], [9], [9, 10], [9, 10, 11]]
    seen = []
    for number, day in enumerate(days):
        file.write_bytes(change_file([NODE._replace(version=2 + number)]))
        update_files(str(root), [str(file)], None, iso(BEGIN_S + day * DAY_S), None)
        seen.append(logged(root))
    if level == "attic":
        expected = [list(range(2, 3 + number)) for number in range(len(days))]
    assert seen == expected
    assert Database(root).settings.pruned_commit == (0 if level == "attic" else 8)


def sizes(root: Path) -> int:
    db = DatabaseDir(str(root))
    return sum(os.path.getsize(path) for path in (db.index, *map(db.file, db.block_files)))


def test_files_level_off_while_readers_read(tmp_path: Path) -> None:
    """Two readers read whole databases all the time, one keeps a version for a long time and then takes the next."""
    root, stop, file = tmp_path / "db", tmp_path / "stop", tmp_path / "input.osm"
    file.write_bytes(osm_file(element for element in elements(0) if not element.deleted))
    update_files(str(root), [str(file)], "meta", iso(BEGIN_S), None)
    readers = [reader(root, stop, "short"), reader(root, stop, "short"), reader(root, stop, "long")]
    half = 0
    try:
        for process in readers:
            assert process.stdout is not None
            assert process.stdout.readline() == "reading\n"
        for number in range(1, COMMITS):
            file.write_bytes(change_file(elements(number)))
            update_files(str(root), [str(file)], None, iso(BEGIN_S + number * DAY_S), str(number))
            if number == COMMITS // 2:
                half = sizes(root)
    finally:
        stop.touch()
        ends = [process.communicate(timeout=120) for process in readers]
    for process, (out, errors) in zip(readers, ends, strict=True):
        assert process.returncode == 0, errors
        assert int(out.split()[1]) > 1
    database = Database(root)
    database.check()
    assert len(logged(root)) <= 33
    print(f"{COMMITS} commits: {half} bytes after half of them, {sizes(root)} in the end")
    assert sizes(root) < 1.5 * half


def reader(root: Path, stop: Path, kind: str) -> subprocess.Popen[str]:
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": f"{PROJECT}:{here.parent / 'update'}:{here}"}
    program = [sys.executable, str(here / "soak_reader.py"), str(root), str(stop), kind]
    return subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
