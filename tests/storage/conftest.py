"""A small database with everything in it: several blocks, deltas, links, absent nodes, free space."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from osm3s.update.update_files import update_files


def node(i: int, lat: float, lon: float, tags: str = "", version: int = 1) -> str:
    return (
        f'<node id="{i}" lat="{lat:.7f}" lon="{lon:.7f}" version="{version}" timestamp="2020-01-0{version}T00:00:00Z" '
        f'changeset="{version}" uid="{i % 3 + 1}" user="user {i % 3 + 1}">{tags}</node>'
    )


def way(i: int, refs: list[int], tags: str, version: int = 1) -> str:
    inside = "".join(f'<nd ref="{ref}"/>' for ref in refs)
    return (
        f'<way id="{i}" version="{version}" timestamp="2020-01-0{version}T00:00:00Z" changeset="{version}" uid="1" '
        f'user="user 1">{inside}{tags}</way>'
    )


def small_map() -> str:
    nodes = [node(i, 50 + i % 100 * 0.001, 8 + i // 100 * 0.001) for i in range(1, 9500)]
    nodes += [node(i, 50 + i % 7, 8 + i % 11, f'<tag k="name" v="{i % 40}"/>') for i in range(9500, 12000)]
    ways = [
        way(i, [i, i + 1, i + 100, 20000 if i % 500 == 0 else 5], '<tag k="highway" v="path"/>') for i in range(1, 2500)
    ]
    relations = [
        f'<relation id="{i}" version="1" timestamp="2020-01-01T00:00:00Z" changeset="1" uid="2" user="user 2">'
        f'<member type="way" ref="{i}" role="outer"/><member type="node" ref="{i * 30}" role=""/>'
        f'<member type="relation" ref="{i + 1}" role="part"/><tag k="type" v="route"/></relation>'
        for i in range(1, 40)
    ]
    return "<osm version='0.6'>" + "".join([*nodes, *ways, *relations]) + "</osm>"


CHANGES = (
    "<osmChange version='0.6'><modify>"
    + node(7, 50.5, 8.5, version=2)
    + node(9600, 51.5, 8.5, '<tag k="name" v="new"/>', version=2)
    + way(9, [9, 10, 11], '<tag k="highway" v="road"/>', version=2)
    + "</modify><delete>"
    + node(8, 0, 0, version=2)
    + "</delete></osmChange>"
)


@pytest.fixture(scope="session")
def _sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    (folder / "map.osm").write_text(small_map())
    (folder / "change.osc").write_text(CHANGES)
    root = folder / "db"
    root.mkdir()
    update_files(str(root), [str(folder / "map.osm")], "meta", None, None)
    for _ in range(2):
        update_files(str(root), [str(folder / "change.osc")], None, None, None)
    return root


@pytest.fixture
def database(_sound: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    root = tmp_path / "db"
    shutil.copytree(_sound, root)
    return root
