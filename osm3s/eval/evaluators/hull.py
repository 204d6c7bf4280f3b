"""`hull(geometry)`: the convex hull on the sphere. Computed in native/geom_hull.c.

Example: `node(id:2,3,4);make a ::geom=hull(gcat(geom()));out geom;`
Cost: sorting all positions.
"""

from __future__ import annotations

from osm3s.eval.evaluators.preparation import GeometryColumn, Preparation
from osm3s.eval.evaluators.rings import oriented_rings
from osm3s.eval.execution import Execution
from osm3s.eval.geometries import NOWHERE, points_and_lines
from osm3s.ffi import check, ffi, lib
from osm3s.output.derived import Geometry, Line, Point, Polygon, Position
from osm3s.ql.tree import Element


def _corners(execution: Execution, positions: list[Position]) -> list[Position]:
    """Corners of the hull of at least two positions, sorted by longitude."""
    out, n = ffi.new("uint32_t[]", len(positions)), ffi.new("size_t *")
    flat = ffi.new("double[]", [coordinate for position in positions for coordinate in position])
    check(lib.osm3s_hull(execution.limits.handle, flat, len(positions), out, n))
    return [positions[i] for i in ffi.unpack(out, n[0])]


def hull_of(execution: Execution, shape: Geometry | None) -> Geometry | None:
    if shape is None:
        return None
    points, lines = points_and_lines(shape)
    positions = sorted({*points, *(p for line in lines for p in line)}, key=lambda p: (p[1], p[0]))
    if not positions:
        return NOWHERE
    if len(positions) == 1:
        return Point(*positions[0])
    if len(positions) == 2:
        return Line([*positions, positions[0]])
    corners = _corners(execution, positions)
    if len(corners) < 3:
        return Line(corners)
    return Polygon(oriented_rings([[*corners, corners[0]]], execution.check_limits))


def hull(preparation: Preparation, element: Element) -> GeometryColumn | None:
    operand = preparation.geometry(element.children[0]) if element.children else None
    return operand and (lambda items: [hull_of(preparation.execution, shape) for shape in operand(items)])
