"""Where derived objects are: which of them a box finds."""

from __future__ import annotations

from osm3s.eval.spatial import BBox
from osm3s.output.derived import Collection, Geometry, Nowhere, Point, Polygon, Position


def meets_box(shape: Geometry | None, box: BBox) -> bool:
    """Whether a shape touches or surrounds a box; what has no geometry is in none."""
    if shape is None or isinstance(shape, Nowhere):
        return False
    if isinstance(shape, Collection):
        return any(meets_box(part, box) for part in shape.parts)
    if isinstance(shape, Point):
        return box.meets([(shape.lat, shape.lon)])
    if isinstance(shape, Polygon):
        return any(box.meets(ring) for ring in shape.rings) or _surrounds(shape.rings, box.center)
    return box.meets(shape.positions)


def _surrounds(rings: list[list[Position]], place: Position) -> bool:
    """Whether an odd number of the edges is north of a place."""
    lat, lon = place
    inside = False
    for ring in rings:
        for (south, west), (north, east) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if (west <= lon) != (east <= lon):
                inside ^= south + (north - south) * (lon - west) / (east - west) > lat
    return inside
