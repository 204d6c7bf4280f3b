"""A map of a town with a hole, of two districts and a park in it, and of what is in, on and beside their borders."""

from __future__ import annotations

from pathlib import Path

from small_map import bring_in, node, osm, way

from osm3s.areas import generator
from osm3s.storage.snapshot import Snapshot, open_snapshot

GOLDEN = Path(__file__).with_name("golden_areas.txt")


def _relation(id_: int, members: list[tuple[str, int, str]], tags: str) -> str:
    listed = "".join(f'<member type="{kind}" ref="{ref}" role="{role}"/>' for kind, ref, role in members)
    listed += "".join('<tag k="{}" v="{}"/>'.format(*tag.split("=")) for tag in tags.split())
    meta = 'version="1" timestamp="2020-01-01T00:00:00Z" changeset="1" uid="1" user="u"'
    return f'<relation id="{id_}" {meta}>{listed}</relation>'


CONTENT = osm(
    # the corners of the town, the ends of the line between its districts, the corners of the hole and of the park
    node(1, (50.0, 10.0)),
    node(2, (50.0, 10.3)),
    node(3, (50.3, 10.3)),
    node(4, (50.3, 10.0)),
    node(5, (50.0, 10.15)),
    node(6, (50.3, 10.15)),
    node(7, (50.05, 10.05)),
    node(8, (50.05, 10.054)),
    node(9, (50.054, 10.054)),
    node(10, (50.054, 10.05)),
    node(11, (50.2, 10.2)),
    node(12, (50.2, 10.21)),
    node(13, (50.21, 10.215)),
    # inside: the west, the east, the park; in the hole; on the border of the town, the hole, the park; outside
    node(21, (50.15, 10.05), tags="place=west"),
    node(22, (50.15, 10.25), tags="place=east"),
    node(23, (50.203, 10.208), tags="place=park"),
    node(24, (50.052, 10.052), tags="place=hole"),
    node(25, (50.0, 10.07), tags="place=border"),
    node(26, (50.05, 10.052), tags="place=hole_border"),
    node(27, (50.2, 10.205), tags="place=park_border"),
    node(28, (50.4, 10.1), tags="place=outside"),
    node(29, (50.205, 10.2075), tags="place=park_slope"),
    # outlines
    way(31, [5, 1, 4, 6], tags="boundary=west"),
    way(32, [6, 3, 2, 5], tags="boundary=east"),
    way(33, [5, 6], tags="boundary=middle"),
    way(34, [7, 8, 9, 10, 7], tags="boundary=hole"),
    way(35, [11, 12, 13, 11], tags="leisure=park name=Park"),
    # streets: inside, across the border, right through the park, along the border, from border to border, outside
    way(41, [21, 22], tags="highway=inside"),
    way(42, [22, 28], tags="highway=across"),
    way(43, [21, 23, 22], tags="highway=through"),
    way(44, [1, 25, 5], tags="highway=along"),
    way(45, [1, 3], tags="highway=diagonal"),
    way(46, [28, 4], tags="highway=touching"),
    way(47, [24, 7], tags="highway=in_hole"),
    _relation(
        51,
        [("way", 31, "outer"), ("way", 32, "outer"), ("way", 34, "inner")],
        "type=multipolygon name=Town admin_level=8",
    ),
    _relation(52, [("way", 31, ""), ("way", 33, ""), ("way", 34, "")], "type=boundary name=West admin_level=9"),
    _relation(53, [("way", 32, ""), ("way", 33, "")], "type=boundary name=East admin_level=9"),
    _relation(54, [("way", 31, "")], "type=boundary name=Broken admin_level=9"),
    _relation(55, [("node", 22, "stop"), ("way", 46, "")], "type=route"),
    _relation(56, [("way", 44, ""), ("node", 28, "")], "type=route"),
    _relation(57, [("relation", 55, "")], "type=network"),
)


def make(root: Path) -> Snapshot:
    """The map with its areas."""
    bring_in(root, CONTENT, "2020-02-01T00:00:00Z", "meta")
    generator.follow(str(root))
    return open_snapshot(str(root))


def golden() -> list[tuple[str, str]]:
    """Queries and what the reference prints for them."""
    sections = GOLDEN.read_text(encoding="utf-8").split("=== ")[1:]
    return [(query, body) for query, _, body in (section.partition("\n") for section in sections)]
