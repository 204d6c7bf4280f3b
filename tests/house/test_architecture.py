"""ARCHITECTURE.md speaks the truth: every `path::symbol` in it exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PLACES = re.findall(r"`([\w./-]+)::([\w.]+)`", (ROOT / "ARCHITECTURE.md").read_text())


def test_the_table_is_there() -> None:
    assert len(PLACES) > 20


@pytest.mark.parametrize(("path", "symbol"), PLACES, ids=lambda s: s)
def test_the_place_exists(path: str, symbol: str) -> None:
    text = (ROOT / path).read_text()
    for name in symbol.split("."):
        assert re.search(rf"\b{re.escape(name)}\b", text), f"{path} has no {name}"
