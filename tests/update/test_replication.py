"""Start plus all diffs is the end, object by object, on real feeds; the end is imported afresh for comparison."""

from __future__ import annotations

import heapq
import subprocess
from pathlib import Path
from typing import Any

import pytest
from database import Database
from osmium import FileProcessor, SimpleWriter, osm
from osmium.osm import mutable

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


def test_diffs_of_a_larger_region_give_what_osmium_makes_of_them(shared_dir: Path, tmp_path: Path) -> None:
    """The feed has no end of its own, and its diffs touch what is outside; osmium reads it element by element."""
    feed, diffs = unpacked(shared_dir, "liechtenstein", tmp_path)
    root, fresh, extract = tmp_path / "db", tmp_path / "fresh", str(feed / "liechtenstein.osm.pbf")
    update_files(str(root), [extract], "meta", None, None)
    for diff in diffs:
        update_files(str(root), [diff], None, None, None)
    end = str(tmp_path / "end.osm.pbf")
    n_changed = _write_end(extract, diffs, end)
    assert n_changed > 10
    update_files(str(fresh), [end], "meta", None, None)
    updated, imported = Database(root), Database(fresh)
    updated.check()
    assert updated.dump() == imported.dump()


def _write_end(extract: str, diffs: list[str], end: str) -> int:
    """Write the extract with the last state of all that the diffs are about; how many elements those are."""
    last = {(element.type_str(), element.id): _kept(element) for diff in diffs for element in FileProcessor(diff)}
    with SimpleWriter(end) as writer:
        for name, entity in zip("nwr", (osm.NODE, osm.WAY, osm.RELATION), strict=True):
            unchanged = (element for element in FileProcessor(extract, entity) if (name, element.id) not in last)
            changed = [last[key] for key in sorted(last) if key[0] == name and last[key] is not None]
            for element in heapq.merge(unchanged, changed, key=lambda element: element.id):
                writer.add(element)
    return len(last)


def _kept(element: Any) -> Any:
    """What lasts longer than the reading of the file; None if it is deleted."""
    if element.deleted:
        return None
    tags = dict(element.tags)
    if element.is_node():
        return mutable.Node(element, tags=tags, location=(element.lon, element.lat))
    if element.is_way():
        return mutable.Way(element, tags=tags, nodes=[node.ref for node in element.nodes])
    return mutable.Relation(element, tags=tags, members=[(m.type, m.ref, m.role) for m in element.members])
