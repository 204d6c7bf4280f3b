"""The database of the areas is one like any other: `verify` checks it, the dump programs print it."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_follow import START
from update.osm_xml import change_file, osm_file
from update.programs import update_database

from osm3s.cli import dump_block, dump_index, verify
from osm3s.paths import DatabaseDir


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Areas in a block and in its delta."""
    root = tmp_path / "db"
    assert update_database(root, osm_file(START)).returncode == 0
    assert update_database(root, change_file([START[1]._replace(position=(7, 2000))])).returncode == 0
    return root


def test_sound_areas(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main([f"--db-dir={root}"]) == 0
    assert capsys.readouterr().out.startswith("sound: 7 nodes, 3 ways, 2 relations, 2 areas, checked in ")


@pytest.mark.parametrize("file", [2, 4])
def test_damaged_areas(root: Path, file: int, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(DatabaseDir(str(root)).areas.block_file(file))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert verify.main([f"--db-dir={root}"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines and all(line.startswith("areas: ") for line in lines)
    assert f": {path.name}, offset " in lines[0]


def test_dumps(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dump_block.main([f"--db-dir={root}", "--of=area/3600000001"]) == 0
    out = capsys.readouterr().out
    assert "block 0 of areas" in out and "3600000001" in out and "0@" in out and "3600000002" not in out
    assert dump_block.main([f"--db-dir={root}", "--family=areas", "--block=0"]) == 0
    assert "3600000002" in capsys.readouterr().out
    assert dump_index.main([f"--db-dir={root}", "--areas", "settings"]) == 0
    assert "'made_by': 'auto'" in capsys.readouterr().out
