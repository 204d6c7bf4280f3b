"""`poly(line,...)`: the area that lines enclose. Where it is covered twice is outside; long edges are cut into pieces.

Example: `make a ::geom=poly(lstr(pt(51,7),pt(51,7.001),pt(51.001,7.001)));out geom;`
Cost: at worst the square of the number of edges that meet in latitude.
"""

from __future__ import annotations

from osm3s.eval.evaluators.preparation import GeometryColumn, Preparation
from osm3s.eval.evaluators.rings import oriented_rings
from osm3s.eval.evaluators.shapes import arguments
from osm3s.output.derived import Geometry, Line, Polygon
from osm3s.ql.tree import Element


def polygon(preparation: Preparation, element: Element) -> GeometryColumn:
    rows = arguments(preparation, element)

    def area(shapes: tuple[Geometry | None, ...]) -> Polygon:
        lines = [shape.positions for shape in shapes if isinstance(shape, Line) and shape.positions]
        closed = [line if line[0] == line[-1] else [*line, line[0]] for line in lines]
        return Polygon(oriented_rings(closed, preparation.execution.check_limits))

    return lambda items: [area(shapes) for shapes in rows(items)]
