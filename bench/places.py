"""Where the standard queries look, for each data set: the values of the {{names}} in the query files."""

from __future__ import annotations

import math


def star(lat: float, lon: float, radius_deg: float, corners: int) -> str:
    """A polygon with bays as the text of a `poly` filter: radius_deg north-south, as wide on the ground east-west."""
    points = []
    for corner in range(corners):
        angle = 2 * math.pi * corner / corners
        distance = radius_deg * (0.8 + 0.2 * math.sin(7 * angle))
        x = lon + distance * math.cos(angle) / math.cos(math.radians(lat))
        points.append(f"{lat + distance * math.sin(angle):.7f} {x:.7f}")
    return " ".join(points)


# The copies of the tiled data stand side by side from -60,-175 eastwards, the same in the standard and the large size.
# The region has every node that its ways refer to: what the two sides make of missing ones is no question of speed.
TILED = {
    "city": "-59.995,-167.625,-59.945,-167.535",
    "map": "-60.0,-167.64,-59.94,-167.525",
    "place": "-59.97,-167.58",
    "region": "-60.0,-161.945,-59.0,-153.095",
    "wide_region": "-60.0,-167.7,-59.0,-161.95",
    "node_id": "5819067",
    "way_id": "5818992",
    "relation_id": "5818997",
    "rare_key": "amenity",
    "rare_value": "brothel",
    "name_pattern": "^Rathaus",
    "area_name": "Andorra",
    "wide_area_name": "North Andros",
    "area_id": "3600000061",
    "area_relation_id": "61",
    "area_place": "-59.822,-174.76",
    "area_box": "-59.9,-174.9,-59.7,-174.5",
    "polygon_8": star(-59.73, -165.64, 0.2, 8),
    "polygon_1000": star(-59.65, -163.72, 0.2, 1000),
}

# The generated town of the small size, see town.py.
TOWN = {
    "city": "49.9995,7.9995,50.0305,8.0455",
    "map": "49.9995,7.9995,50.0205,8.0305",
    "place": "50.03,8.04",
    "region": "49.9,7.9,50.0505,8.0805",
    "wide_region": "49.9,7.9,50.2,8.2",
    "node_id": "100",
    "way_id": "10",
    "relation_id": "1",
    "rare_key": "historic",
    "rare_value": "city_gate",
    "name_pattern": "^Bakery 1",
    "area_name": "Town",
    "wide_area_name": "Town",
    "area_id": "3600000001",
    "area_relation_id": "1",
    "area_place": "50.03,8.04",
    "area_box": "49.9995,7.9995,50.0305,8.0455",
    "polygon_8": star(50.03, 8.045, 0.02, 8),
    "polygon_1000": star(50.03, 8.045, 0.025, 1000),
}

PLACES = {"small": TOWN, "standard": TILED, "large": TILED}
