"""Imports only go down. The layers, from below; what stands in one line may not import from its own neighbours."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "constants": set(),
    "failpoint": set(),
    "log": set(),
    "paths": set(),
    "service_manager": set(),
    "ffi": set(),
    "ql": set(),
    "dispatch": set(),
    "storage": {"ffi"},
    "output": {"ffi", "ql"},
    "eval": {"ffi", "ql", "storage", "output"},
    "update": {"ffi", "storage", "dispatch"},
    "areas": {"ffi", "ql", "storage", "output", "eval", "update"},
    "replication": {"ffi", "storage", "update"},
    "serve": {"ffi", "ql", "storage", "output", "eval", "dispatch"},
    "cli": {"ffi", "ql", "storage", "output", "eval", "dispatch", "update", "areas", "replication", "serve"},
}
BASE = {"service_manager", "errors", "constants", "failpoint", "log", "paths"}
FILES = sorted((ROOT / "osm3s").rglob("*.py"))


def imported_modules(path: Path) -> set[str]:
    """Names like "osm3s.storage.index" that a file imports, also inside functions."""
    found = set()
    package = ".".join(path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package if node.level else ""
            module = f"{base}.{node.module}" if node.level and node.module else node.module or base
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("osm3s.")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_only_go_down(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    if len(parts) == 2 and parts[1] == "__init__":
        return  # the package's own door, to serve and below
    layer = parts[1]
    for name in imported_modules(path):
        other = name.split(".")[1]
        if other == layer or other in BASE:
            continue
        assert other in MAY_IMPORT[layer] or (layer == "ffi" and other == "_native"), f"{layer} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_ffi_touches_the_compiled_module(path: Path) -> None:
    if "ffi" not in path.parts:
        assert not any(name.startswith("osm3s._native") for name in imported_modules(path))


def test_ql_needs_neither_database_nor_compiler() -> None:
    for path in (ROOT / "osm3s" / "ql").rglob("*.py"):
        for name in imported_modules(path):
            assert name.split(".")[1] in BASE | {"ql"}, f"{path.name} imports {name}"


def test_the_state_machine_of_the_dispatcher_does_no_io() -> None:
    source = ast.parse((ROOT / "osm3s" / "dispatch" / "state.py").read_text())
    forbidden = {"os", "time", "socket", "asyncio", "uvloop", "pathlib"}
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            assert not {alias.name for alias in node.names} & forbidden
        if isinstance(node, ast.ImportFrom):
            assert node.module not in forbidden


def test_file_names_of_a_database_stand_in_paths_only() -> None:
    names = ("osm_base.idx", "osm_base.shadow", "osm_base.lock", "nodes.bin", "deltas.bin")
    for path in FILES:
        if path.name == "paths.py":
            continue
        tree = ast.parse(path.read_text())
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                exact = node.value.strip("/")
                assert exact not in names, f"{path}: {exact}"
