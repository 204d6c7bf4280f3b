"""Elements that come before all others in the order of blocks: changes all over the world in an extract of a corner."""

from __future__ import annotations

from pathlib import Path

from database import Database
from osm_xml import change_file, osm_file

from osm3s.ffi.batch import Element
from osm3s.update.update_files import update_files

NODE = Element("node", 1, (0, 0), 1, 1_600_000_000, 1, 1, "ann", False, [], [], [])
LAT, LON = 500_000_000, 100_000_000


def world(first_id: int, n: int, step: int) -> list[Element]:
    """Nodes, tagged and not, with small ways, all of them further and further from the extract."""
    nodes = [NODE._replace(id=first_id + i, position=(LAT - step * (i + 1), LON - step * (i + 1))) for i in range(n)]
    tagged = [node._replace(id=node.id + 10_000_000, tags=[("n", str(node.id % 7))]) for node in nodes]
    way = NODE._replace(type="way", position=None)
    ways = [way._replace(id=first_id + i, refs=[first_id + i, first_id + i + 1]) for i in range(n - 1)]
    return [*nodes, *tagged, *ways]


def test_the_first_block_is_cut_where_its_elements_are(tmp_path: Path) -> None:
    root, file = tmp_path / "db", tmp_path / "input.osm"
    corner = [NODE._replace(id=i, position=(LAT + i, LON + i), tags=[("a", "b")]) for i in range(1, 49)]
    file.write_bytes(osm_file([*corner, NODE._replace(type="way", position=None, refs=[1, 2])]))
    update_files(str(root), [str(file)], "meta", None, None)
    n_elements = 49
    for first_id, step in ((100_000, 120_011), (200_000, 120_023), (300_000, 119_997)):
        changes = world(first_id, 2_500, step)
        file.write_bytes(change_file(changes))
        update_files(str(root), [str(file)], None, None, None)
        n_elements += len(changes)
        database = Database(root)
        database.check()
        assert sum(database.settings.n_elements) == n_elements
    assert len([block for block in database.blocks if block.family == 2]) > 5
