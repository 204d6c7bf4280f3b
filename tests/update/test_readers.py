"""Readers at work during hundreds of commits see one version each, and the space that commits free is used again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from database import Database
from osm_xml import change_file, osm_file
from programs import PROJECT, update_database
from reading_process import version_of

from osm3s.ffi.batch import Element
from osm3s.paths import DatabaseDir
from osm3s.storage.index import open_for_reading, read_settings
from osm3s.update.update_files import update_files

COMMITS = 300
READERS = 3
EMPTY = Element("node", 1, None, 1, 0, 0, 0, "", False, [], [], [])


def elements(number: int) -> list[Element]:
    """A world of this number, and the deletion of what only others have."""
    tags = [("number", str(number)), ("filler", "x" * (number % 50 * 20))]
    extra = [EMPTY._replace(id=10 + i, position=(i, i), version=number + 1, deleted=i >= number % 7) for i in range(6)]
    return [
        EMPTY._replace(position=(5, 5), tags=tags, version=number + 1),
        EMPTY._replace(id=2, position=(number, 2 * number), version=number + 1),
        *extra,
        EMPTY._replace(type="way", refs=[2, 1], tags=tags, version=number + 1),
        EMPTY._replace(type="relation", members=[("way", 1, "")], tags=tags, version=number + 1),
    ]


def test_every_reader_sees_one_version(tmp_path: Path) -> None:
    root, stop, file = tmp_path / "db", tmp_path / "stop", tmp_path / "input.osm"
    file.write_bytes(osm_file(element for element in elements(0) if not element.deleted))
    update_files(str(root), [str(file)], "meta", None, None)
    environment = os.environ | {"PYTHONPATH": f"{PROJECT}:{Path(__file__).parent}"}
    readers = [
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("reading_process.py")), str(root), str(stop)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(READERS)
    ]
    try:
        for number in range(1, COMMITS):
            file.write_bytes(change_file(elements(number)))
            update_files(str(root), [str(file)], None, None, str(number))
    finally:
        stop.touch()
        ends = [reader.communicate(timeout=60) for reader in readers]
    for reader, (out, errors) in zip(readers, ends, strict=True):
        assert reader.returncode == 0, errors
        snapshots, versions = map(int, out.split())
        assert snapshots >= versions > 3
    database = Database(root)
    database.check()
    assert version_of(database) == COMMITS - 1
    written = COMMITS * 3 * 1000
    assert Path(DatabaseDir(str(root)).block_file(4)).stat().st_size < written / 4


def test_a_reader_keeps_its_version(tmp_path: Path) -> None:
    """All commits happen while one snapshot is open."""
    root, file = tmp_path / "db", tmp_path / "input.osm"
    file.write_bytes(osm_file(element for element in elements(0) if not element.deleted))
    update_files(str(root), [str(file)], "meta", None, None)
    environment = os.environ | {"PYTHONPATH": f"{PROJECT}:{Path(__file__).parent}"}
    program = (
        "import sys; from database import Database; from reading_process import version_of;"
        f"database = Database({str(root)!r}, lambda: (print('open', flush=True), sys.stdin.readline()));"
        "print(version_of(database))"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "open\n"
    for number in range(1, 40):
        file.write_bytes(change_file(elements(number)))
        update_files(str(root), [str(file)], None, None, None)
    out, _ = reader.communicate("go on\n", timeout=60)
    assert out == "0\n"
    assert version_of(Database(root)) == 39


def test_an_index_may_grow_between_opening_and_reading(tmp_path: Path) -> None:
    """LMDB refuses to read what is larger than the map; a commit may come in between."""
    root = tmp_path / "db"
    update_database(root, osm_file([EMPTY]))
    env = open_for_reading(DatabaseDir(str(root)))
    many = [EMPTY._replace(id=i, tags=[(f"{i:0500}", "v")]) for i in range(2, 15_000)]
    assert update_database(root, change_file(many), "--areas=none").returncode == 0
    assert os.path.getsize(DatabaseDir(str(root)).index) > 11 << 20
    with env.begin() as txn:
        assert read_settings(txn).n_elements[0] == 14_999
    env.close()
