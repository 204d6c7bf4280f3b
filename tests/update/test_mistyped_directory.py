"""A database directory that is not there: who fails leaves none behind, and who only reads never makes one."""

from __future__ import annotations

from pathlib import Path

import pytest
from osm_xml import osm_file
from programs import run, update_database

from osm3s.ffi.batch import Element

NODE = Element("node", 1, (10, 20), 1, 1_700_000_000, 5, 7, "ann", False, [("k", "v")], [], [])
START = osm_file([NODE, NODE._replace(id=2)])
WRONG_AT_THE_END = START.replace(b'id="2"', b'id="two"')


@pytest.mark.parametrize("content", [b"", b"no OSM data", START[: len(START) // 2], WRONG_AT_THE_END])
@pytest.mark.parametrize("level", ["--meta", "--keep-attic"])
def test_an_import_that_fails(tmp_path: Path, content: bytes, level: str) -> None:
    assert update_database(tmp_path / "not" / "here", content, level).returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = update_database(tmp_path / "not" / "here", b"", "no-such-file.osm")
    assert (done.returncode, list(tmp_path.iterdir())) == (255, [])
    (tmp_path / "diffs").mkdir()
    done = run("update_from_dir", f"--db-dir={tmp_path / 'db'}", f"--osc-dir={tmp_path / 'diffs'}")
    assert (done.returncode, [path.name for path in tmp_path.iterdir()]) == (255, ["diffs"])


def test_a_directory_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    assert update_database(tmp_path / "db", b"no OSM data").returncode == 255
    assert list((tmp_path / "db").iterdir()) == []


def test_an_import_makes_it(tmp_path: Path) -> None:
    assert update_database(tmp_path / "new" / "db", START).returncode == 0
    assert (tmp_path / "new" / "db" / "osm_base.idx").exists()


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("osm3s_query", ["--request=node(1);out;"]),
        ("osm3s_query", ["--rules", "--request=node(1);out;"]),
        ("osm3s_query", ["--clone=CLONE"]),
        ("verify", []),
        ("dump_index", []),
        ("doctor", []),
        ("follow", ["--once", "."]),
        ("server", ["--port=0"]),
        ("dispatcher", ["--osm-base"]),
    ],
)
def test_programs_that_read(tmp_path: Path, program: str, arguments: list[str]) -> None:
    paths = [argument.replace("CLONE", str(tmp_path / "clone")) for argument in arguments]
    done = run(program, f"--db-dir={tmp_path / 'db'}", *paths, OSM3S_SHM_DIR=str(tmp_path))
    assert (done.returncode != 0, list(tmp_path.iterdir())) == (True, []), done.stderr
