"""Start plus all diffs is the end, object by object, on real feeds; the end is imported afresh for comparison."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from database import Database

from osm3s.update.update_files import update_files


def unpacked(shared_dir: Path, name: str, into: Path) -> tuple[Path, list[str]]:
    """The folder of a feed, and its diffs in order."""
    archive = shared_dir / "data" / "replication" / f"{name}.tar.zst"
    subprocess.run(["tar", "--zstd", "-xf", str(archive), "-C", str(into)], check=True)
    return into / name, sorted(map(str, (into / name).glob("0*/**/*.osc.gz")))


@pytest.mark.parametrize(
    ("name", "single", "batch"),
    [("maldives-minute-201612", 30, 1), ("andorra-minute-2016", 40, 300), ("andorra-day-2016", 10, 500)],
)
def test_start_and_diffs_give_the_end(shared_dir: Path, tmp_path: Path, name: str, single: int, batch: int) -> None:
    """`single` diffs are applied one by one, the others `batch` at a time."""
    feed, diffs = unpacked(shared_dir, name, tmp_path)
    root, fresh = tmp_path / "db", tmp_path / "fresh"
    update_files(str(root), [str(feed / "start.osm.pbf")], "meta", None, None)
    for diff in diffs[:single]:
        update_files(str(root), [diff], None, None, None)
    for start in range(single, len(diffs), batch):
        update_files(str(root), diffs[start : start + batch], None, None, None)
    update_files(str(fresh), [str(feed / "end.osm.pbf")], "meta", None, None)
    updated, imported = Database(root), Database(fresh)
    updated.check()
    assert updated.dump() == imported.dump()


def test_diffs_of_a_larger_region_leave_sound_indexes(shared_dir: Path, tmp_path: Path) -> None:
    feed, diffs = unpacked(shared_dir, "liechtenstein", tmp_path)
    root = tmp_path / "db"
    update_files(str(root), [str(feed / "liechtenstein.osm.pbf")], "meta", None, None)
    for diff in diffs:
        update_files(str(root), [diff], None, None, None)
    Database(root).check()
