"""Rules of the house that no linter knows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON_LINES, C_LINES = 500, 900
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
PYTHON = sorted((ROOT / "osm3s").rglob("*.py"))
C = sorted((ROOT / "native").rglob("*.[ch]"))


@pytest.mark.parametrize("path", PYTHON + C, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_hold_one_thing(path: Path) -> None:
    lines = path.read_text().count("\n")
    assert lines <= (PYTHON_LINES if path.suffix == ".py" else C_LINES)
    assert path.stem not in FORBIDDEN_NAMES


@pytest.mark.parametrize("path", PYTHON + C, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_says_what_it_holds(path: Path) -> None:
    start = path.read_text().lstrip()
    assert start.startswith(('"""', "/*", "#!", 'r"""')), f"{path} does not begin with what it holds"


@pytest.mark.parametrize("path", PYTHON + C, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_left_unfinished(path: Path) -> None:
    unfinished = re.search(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|NotImplemented" r"Error)\b", path.read_text())
    assert unfinished is None


def test_the_tree_does_not_name_the_machine_it_was_made_on() -> None:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    files = listing.stdout.split("\n")
    if files == [""]:
        pytest.skip("needs a git checkout to know which files belong to the project")
    for name in files:
        path = ROOT / name
        if path.suffix in (".py", ".c", ".h", ".md", ".toml", ".json", "") and path.is_file():
            text = path.read_bytes()
            assert not re.search(rb"(^|[^A-Za-z0-9_.])/(wo" rb"rk|fa" rb"rm)/", text), name


def test_no_two_test_files_have_one_name() -> None:
    """pytest imports those of directories without __init__.py by their names alone, and stops when two are alike."""
    plain = [path for path in (ROOT / "tests").rglob("test_*.py") if not (path.parent / "__init__.py").exists()]
    names = [path.name for path in plain]
    assert sorted(names) == sorted(set(names))
