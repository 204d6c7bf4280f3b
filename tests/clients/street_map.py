"""A small map for clients: a grid of streets with cafes and a bus route, all of it within MAP_BOX."""

from __future__ import annotations

ROWS = COLUMNS = 12
SOUTH, WEST, STEP = 47.1, 9.5, 0.001
MAP_BOX = (47.0995, 9.4995, 47.1125, 9.5125)
"""South, west, north, east."""
DATA_TIMESTAMP = "2026-11-21T00:00:00Z"
META = 'version="2" timestamp="2025-01-02T03:04:05Z" changeset="9" uid="7" user="Anna &amp; Bo"'

CAFES = tuple(row * COLUMNS + column + 1 for row in range(1, ROWS, 3) for column in range(1, COLUMNS, 4))
"""Ids of the nodes that are cafes."""


def osm_xml() -> str:
    """Nodes 1 to 144 at the crossings, ways 1 to 12 from west to east, 101 to 112 from south to north, relation 1."""
    nodes = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            number = row * COLUMNS + column + 1
            tags = f'<tag k="amenity" v="cafe"/><tag k="name" v="Café {number}"/>' if number in CAFES else ""
            place = f'lat="{SOUTH + row * STEP:.7f}" lon="{WEST + column * STEP:.7f}"'
            nodes.append(f'<node id="{number}" {place} {META}>{tags}</node>\n')
    rows = [_way(row + 1, [row * COLUMNS + column + 1 for column in range(COLUMNS)]) for row in range(ROWS)]
    columns = [_way(101 + column, [row * COLUMNS + column + 1 for row in range(ROWS)]) for column in range(COLUMNS)]
    members = '<member type="way" ref="1" role=""/><member type="node" ref="5" role="stop"/>'
    route = f'<relation id="1" {META}>{members}<tag k="type" v="route"/><tag k="route" v="bus"/></relation>\n'
    return f'<osm version="0.6">\n{"".join(nodes)}{"".join(rows)}{"".join(columns)}{route}</osm>\n'


def _way(number: int, nodes: list[int]) -> str:
    refs = "".join(f'<nd ref="{node}"/>' for node in nodes)
    return f'<way id="{number}" {META}>{refs}<tag k="highway" v="residential"/><tag k="name" v="{number}"/></way>\n'
