"""Clients from npm, unchanged, against a running server; each is skipped where it is not installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .street_map import CAFES, COLUMNS, ROWS

NODE = Path(__file__).resolve().parent / "node"
CROSSINGS, STREETS = ROWS * COLUMNS, ROWS + COLUMNS


def ask(client: str, api: str) -> Any:
    """What ask.js prints about a client."""
    modules = Path(os.environ.get("OSM3S_NODE_CLIENTS", NODE)) / "node_modules"
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not (modules / client).is_dir():
        pytest.skip(f"{client} is not installed: run make clients")
    done = subprocess.run(
        ["node", str(NODE / "ask.js"), client, f"{api}/interpreter"],
        env=os.environ | {"NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_query_overpass(api: str) -> None:
    from_json, from_xml, error = ask("query-overpass", api)
    assert from_json == from_xml == STREETS + len(CAFES)
    assert error["statusCode"] == 400


def test_derhuerst_query_overpass(api: str) -> None:
    assert ask("@derhuerst/query-overpass", api) == [CROSSINGS + STREETS, 400]


def test_overpass_ts(api: str) -> None:
    elements, end_of_xml, csv, rate_limit, rejected, failed = ask("overpass-ts", api)
    assert elements == CROSSINGS + STREETS
    assert (end_of_xml, csv, rate_limit) == ("</osm>\n", "@id\n1\n", 8)
    assert rejected[0] == 'line 1: parse error: Unknown type "foo"'
    assert len(failed) == 1
    assert "out of memory" in failed[0]


def test_osmtogeojson(api: str) -> None:
    assert ask("osmtogeojson", api) == len(CAFES) + STREETS + 2  # the bus route and its stop


def test_overpass_frontend(api: str) -> None:
    assert ask("overpass-frontend", api) == sorted([*(f"n{number}" for number in CAFES), "r1", "w1"])
