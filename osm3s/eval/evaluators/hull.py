"""`hull()`: the convex hull on the sphere."""

from __future__ import annotations

import math

from osm3s.eval.geometries import NOWHERE, points_and_lines
from osm3s.eval.evaluators.preparation import GeometryColumn, Preparation
from osm3s.eval.evaluators.rings import oriented_rings
from osm3s.output.derived import Geometry, Line, Point, Polygon, Position
from osm3s.ql.tree import Element

_DEGREE = math.acos(0) / 90.0
_OUTSIDE = 1e-8
"""So far beyond an edge must a position be, in radians, to move the hull."""

Vector = tuple[float, float, float]


def _vector(position: Position) -> Vector:
    lat, lon = position[0] * _DEGREE, position[1] * _DEGREE
    return math.sin(lat), math.cos(lat) * math.sin(lon), math.cos(lat) * math.cos(lon)


def _normal(a: Vector, b: Vector) -> Vector:
    """The unit vector orthogonal to the great circle from a to b, on its outer side."""
    x, y, z = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    length = math.sqrt(x * x + y * y + z * z)
    return (x / length, y / length, z / length) if length else (0.0, 0.0, 0.0)


class _Ring:
    """A hull that grows position by position. Edge i leads to corner i, edge 0 from the last one."""

    def __init__(self, first: Position, second: Position) -> None:
        a, b = _vector(first), _vector(second)
        self.corners = [first, second]
        self._vectors = [a, b]
        self._edges = [_normal(b, a), _normal(a, b)]

    def add(self, position: Position) -> None:
        at = _vector(position)
        x, y, z = at
        beyond = [edge[0] * x + edge[1] * y + edge[2] * z for edge in self._edges]
        if max(beyond) < _OUTSIDE:
            return
        n = len(beyond)
        if beyond[0] >= 0:  # the edges that see the position go on at the end of the list
            last = 0
            while last + 1 < n and beyond[last + 1] >= 0:
                last += 1
            end = n
            while end - 1 > last and beyond[end - 1] >= 0:
                end -= 1
            self._replace(position, at, 0, last, end)
        else:
            first = next(i for i in range(n) if beyond[i] >= _OUTSIDE)
            last = first
            while last + 1 < n and beyond[last + 1] >= 0:
                last += 1
            while beyond[first - 1] >= 0:
                first -= 1
            self._replace(position, at, first, last, n)

    def _replace(self, position: Position, at: Vector, first: int, last: int, end: int) -> None:
        """Put the position between corner first - 1 and corner last, and drop the corners from `end` on."""
        self._edges[last] = _normal(at, self._vectors[last])
        self.corners = [*self.corners[:first], position, *self.corners[last:end]]
        self._vectors = [*self._vectors[:first], at, *self._vectors[last:end]]
        edge = _normal(self._vectors[first - 1], at)
        self._edges = [*self._edges[:first], edge, *self._edges[last:end]]


def _corners(positions: list[Position]) -> list[Position]:
    """Corners of the hull of at least three positions sorted by longitude."""
    south = min(positions, key=lambda p: p[0])
    north = max(positions, key=lambda p: p[0])
    west, east = positions[0], positions[-1]
    widest_gap = west[1] + 360.0 - east[1]
    for before, after in zip(positions[:-1], positions[1:], strict=True):
        if after[1] - before[1] > widest_gap:
            widest_gap, west, east = after[1] - before[1], after, before
    ring = _Ring(west, east) if west[1] != east[1] else _Ring(south, north)
    for position in positions:
        ring.add(position)
    return ring.corners


def hull_of(shape: Geometry | None) -> Geometry | None:
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
    corners = _corners(positions)
    if len(corners) < 3:
        return Line(corners)
    return Polygon(oriented_rings([[*corners, corners[0]]]))


def hull(preparation: Preparation, element: Element) -> GeometryColumn | None:
    operand = preparation.geometry(element.children[0]) if element.children else None
    return operand and (lambda items: [hull_of(shape) for shape in operand(items)])
