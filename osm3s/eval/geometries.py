"""Helpers of the evaluators of geometries. In their columns, None stands for no value at all."""

from __future__ import annotations

from collections.abc import Iterator

from osm3s.output.derived import Collection, Geometry, Line, Nowhere, Point, Polygon, Position

NOWHERE = Nowhere()


def known_runs(positions: list[Position]) -> list[list[Position]]:
    """The longest parts without unknown positions."""
    runs: list[list[Position]] = []
    inside = False
    for position in positions:
        known = position[0] == position[0]
        if known and not inside:
            runs.append([])
        if known:
            runs[-1].append(position)
        inside = known
    return runs


def line_of(positions: list[Position]) -> Geometry:
    """The geometry of a way: a line, or several where nodes are missing."""
    runs = known_runs(positions)
    if len(runs) > 1:
        return Collection([Line(run) for run in runs])
    return Line(runs[0] if runs else [])


def way_geometry(positions: list[Position]) -> Geometry:
    """The geometry of a way as part of a relation: one of a single node is a point."""
    if len(positions) == 1 and positions[0][0] == positions[0][0]:
        return Point(*positions[0])
    return line_of(positions)


def leaves(geometry: Geometry) -> Iterator[Geometry]:
    """The parts that are no collections."""
    if isinstance(geometry, Collection):
        for part in geometry.parts:
            if part is not None:
                yield from leaves(part)
    else:
        yield geometry


def points_and_lines(geometry: Geometry) -> tuple[list[Position], list[list[Position]]]:
    """The points, and the lines and rings, of all parts."""
    points: list[Position] = []
    lines: list[list[Position]] = []
    for leaf in leaves(geometry):
        if isinstance(leaf, Point):
            points.append((leaf.lat, leaf.lon))
        elif isinstance(leaf, Line) and leaf.positions:
            lines.append(leaf.positions)
        elif isinstance(leaf, Polygon):
            lines.extend(leaf.rings)
    return points, lines
