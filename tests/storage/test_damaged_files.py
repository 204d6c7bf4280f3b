"""A file that is not whole any more: every program says which and what to do, and changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

import lmdb
import pytest

from osm3s.areas import generator
from osm3s.cli import doctor, verify
from osm3s.errors import CorruptError
from osm3s.paths import DatabaseDir
from osm3s.storage.index_file import check_index_file

PROJECT = Path(__file__).resolve().parents[2]
CHANGE = (
    "<osmChange version='0.6'><modify><node id='5' lat='1' lon='2' version='9' timestamp='2031-01-01T00:00:00Z' "
    "changeset='1' uid='1' user='x'/></modify></osmChange>"
)
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "without its last byte": lambda content: content[:-1],
    "a few bytes": lambda content: content[:100],
    "garbage": lambda content: Random(1).randbytes(len(content)),
}


@pytest.fixture
def with_areas(database: Path) -> Path:
    generator.follow(str(database))
    return database


def contents(root: Path) -> dict[str, str]:
    """Of what is the database; LMDB's table of readers is written by readers."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in root.iterdir() if "-lock" not in path.name}


def run(program: str, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: what is tested once ended it."""
    command = [sys.executable, "-m", f"osm3s.cli.{program}", f"--db-dir={root}", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)


def update(root: Path) -> subprocess.CompletedProcess[str]:
    (root.parent / "change.osc").write_text(CHANGE)
    return run("update_database", root, str(root.parent / "change.osc"))


@pytest.mark.parametrize("name", ["osm_base.idx", "areas.idx"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_an_index_that_is_not_whole(
    with_areas: Path, name: str, damage: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_areas / name
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    before = contents(with_areas)

    done = update(with_areas)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1, done.stderr
    assert f"{path}: damaged: " in done.stderr
    assert ("remove it, and the areas are made anew" if name == "areas.idx" else "restore the database") in done.stderr

    assert verify.main([f"--db-dir={with_areas}"]) == 2
    monkeypatch.setattr(sys, "argv", ["osm3s doctor", f"--db-dir={with_areas}"])
    assert doctor.main() == 2
    told = capsys.readouterr()
    assert (told.out + told.err).count(f"{path}: damaged: ") == 2
    query = run("osm3s_query", with_areas, "--request=node(5);out;is_in(50,8);out;")
    assert (query.returncode > 0, query.stderr.count(f"{path}: damaged: ")) == (True, 1)
    assert contents(with_areas) == before


def test_areas_are_made_anew_once_their_index_is_removed(with_areas: Path) -> None:
    os.truncate(with_areas / "areas.idx", 9000)
    assert update(with_areas).returncode == 2
    (with_areas / "areas.idx").unlink()
    assert (update(with_areas).returncode, verify.main([f"--db-dir={with_areas}"])) == (0, 0)


def test_an_index_that_is_gone(database: Path) -> None:
    """Else a diff would become the database, in the place of all that was there."""
    (database / "osm_base.idx").unlink()
    before = contents(database)
    done = update(database)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"{database / 'osm_base.idx'}: missing, but " in done.stderr
    assert contents(database) == before


@pytest.mark.parametrize("name", ["nodes.bin", "ways.bin", "relations.bin", "deltas.bin"])
@pytest.mark.parametrize("damage", ["empty", "half"])
def test_a_block_file_that_was_cut(database: Path, name: str, damage: str) -> None:
    """The update touches one node, perhaps of another file; it is refused all the same."""
    path = database / name
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    before = contents(database)
    done = update(database)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"{database}: {name}: " in done.stderr and "the file is truncated; restore" in done.stderr
    assert contents(database) == before


LAST_PAGE_AT = 16 + 120
"""In the first page of an LMDB file, and in the second."""


def test_pages_that_were_never_written(database: Path) -> None:
    """LMDB may count pages at the end that a transaction has taken, given back and not written: nothing is missing."""
    path = DatabaseDir(str(database)).index
    with lmdb.open(path, subdir=False, readonly=True, lock=False) as env:
        last_page, page_bytes = env.info()["last_pgno"], env.stat()["psize"]
    with open(path, "r+b") as file:
        for page in range(2):
            file.seek(page * page_bytes + LAST_PAGE_AT)
            file.write((last_page + 3).to_bytes(8, "little"))
    check_index_file(path)
    assert verify.main([f"--db-dir={database}"]) == 0
    assert update(database).returncode == 0
    os.truncate(path, (last_page - 2) * page_bytes)
    with pytest.raises(CorruptError, match="the file is truncated"):
        check_index_file(path)


READ_A_HOLE = """
import mmap, os, sys
from osm3s.ffi import lib
lib.osm3s_say_when_damaged(b"a_program", 2)
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.truncate(descriptor, 4096)
place = mmap.mmap(descriptor, 4096)
os.truncate(descriptor, 0)
place[0]
"""


def test_a_page_that_cannot_be_read_is_a_line(tmp_path: Path) -> None:
    program = [sys.executable, "-c", READ_A_HOLE, str(tmp_path / "hole")]
    done = subprocess.run(program, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("a_program: a file of the database is damaged")
