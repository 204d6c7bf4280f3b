"""`trace(geometry)`: each line once, cut where lines meet or cross in a common node.

Example: `way(id:12,13);make a ::geom=trace(gcat(geom()));out geom;`
Cost: sorting all segments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from osm3s.eval.evaluators.preparation import GeometryColumn, Preparation
from osm3s.eval.geometries import points_and_lines
from osm3s.output.derived import Collection, Geometry, Line, Point, Position
from osm3s.ql.tree import Element

_LINES_PER_CHECK = 1000


def trace_of(shape: Geometry | None, check_limits: Callable[[], None] = lambda: None) -> Geometry | None:
    """`check_limits` may raise."""
    if shape is None:
        return None
    points, lines = points_and_lines(shape)
    points = sorted(set(points))
    lines = [line for line in lines if line]
    uses = Counter(points)
    for i, line in enumerate(lines):
        if i % _LINES_PER_CHECK == 0:
            check_limits()
        uses.update(line[1:-1])
        for end in (line[0], line[-1]):
            uses[end] += 2
    parts: list[Geometry | None] = [Point(*point) for point in points]
    seen: set[tuple[Position, ...]] = set()
    for i, line in enumerate(lines):
        if i % _LINES_PER_CHECK == 0:
            check_limits()
        for piece in _pieces(line, uses):
            direction = -1 if piece[-1] < piece[0] else 1
            if tuple(piece[::direction]) not in seen:
                seen.add(tuple(piece[::direction]))
                parts.append(Line(piece))
    return Collection(parts)


def _pieces(line: list[Position], uses: Counter[Position]) -> list[list[Position]]:
    """The line, cut at inner nodes that are used elsewhere."""
    pieces = [[line[0]]]
    for position in line[1:-1]:
        pieces[-1].append(position)
        if uses[position] > 1:
            pieces.append([position])
    pieces[-1].append(line[-1])
    return pieces


def trace(preparation: Preparation, element: Element) -> GeometryColumn | None:
    operand = preparation.geometry(element.children[0]) if element.children else None
    check_limits = preparation.execution.check_limits
    return operand and (lambda items: [trace_of(shape, check_limits) for shape in operand(items)])
