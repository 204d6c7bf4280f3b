"""Changes that are larger than the blocks they go to: blocks are made anew, and cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from database import Database
from osm_xml import change_file, osm_file

from osm3s.ffi.batch import Element
from osm3s.update.update_files import update_files

EMPTY = Element("node", 1, None, 1, 1_700_000_000, 1, 1, "ann", False, [], [], [])


def nodes(first: int, n: int, version: int = 1, spread: int = 3000) -> list[Element]:
    """Every fifth with tags; in rows of 100."""
    return [
        EMPTY._replace(
            id=i,
            version=version,
            position=(500_000_000 + i // 100 * spread + version, 80_000_000 + i % 100 * spread),
            tags=[("ref", str(i)), ("natural", "tree")] if i % 5 == 0 else [],
        )
        for i in range(first, first + n)
    ]


def ways(first: int, n: int) -> list[Element]:
    tags = [("building", "yes")]
    return [
        EMPTY._replace(type="way", id=i, refs=[3 * i, 3 * i + 1, 3 * i + 2], tags=[*tags, ("name", f"Weg {i % 700}")])
        for i in range(first, first + n)
    ]


def relations(n: int) -> list[Element]:
    return [EMPTY._replace(type="relation", id=i, members=[("way", 2 * i, "outer")]) for i in range(1, n)]


def apply(root: Path, content: bytes, level: str | None = None) -> Database:
    file = root.parent / "input.osm"
    file.write_bytes(content)
    update_files(str(root), [str(file)], level, None, None)
    database = Database(root)
    database.check()
    return database


@pytest.mark.parametrize("spread", [3000, 0], ids=["spread", "all in one place"])
def test_a_small_database_grows_large(tmp_path: Path, spread: int) -> None:
    root = tmp_path / "db"
    first = [*nodes(1, 50, spread=spread), *ways(1, 10)]
    more = [*nodes(51, 25_000, spread=spread), *ways(11, 5_000), *relations(1500)]
    moved = nodes(2000, 6000, version=2, spread=spread)
    removed = [*nodes(9000, 16_051), *ways(2000, 3011)]
    apply(root, osm_file(first), "meta")
    grown = apply(root, change_file(more))
    cut = [block.family for block in grown.blocks]
    assert cut.count(0) > 1 or spread == 0
    assert cut.count(2) > 1 or spread == 0
    apply(root, change_file(moved))
    gone = apply(root, change_file(element._replace(deleted=True) for element in removed))
    end = {(e.type, e.id): e for e in [*first, *more, *moved]}
    for element in removed:
        end.pop((element.type, element.id), None)
    order = ("node", "way", "relation")
    elements = sorted(end.values(), key=lambda e: (order.index(e.type), e.id))
    assert gone.dump() == apply(tmp_path / "fresh", osm_file(elements), "meta").dump()


def test_everything_goes_and_comes_back(tmp_path: Path) -> None:
    root = tmp_path / "db"
    elements = [*nodes(1, 3000), *ways(1, 900), *relations(100)]
    before = apply(root, osm_file(elements), "meta").dump()
    gone = apply(root, change_file(element._replace(deleted=True) for element in elements))
    assert gone.dump() == []
    assert gone.settings.n_elements == [0, 0, 0]
    assert apply(root, change_file(elements)).dump() == before
