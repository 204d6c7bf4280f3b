"""`geom()`: the geometry of the element: a point, a line, or all that of the members of a relation.
Example: `way(13);convert a ::geom=geom();out geom;`

`pt(lat,lon)`: a point; no geometry if there is no such place.
Example: `make a ::geom=pt(51,7);out geom;`

`lstr(point,...)`: a line through points.
Example: `make a ::geom=lstr(pt(51,7),pt(51.1,7.1));out geom;`

`center(geometry)`: the centre of the box of a geometry.
Example: `way(12);convert a ::geom=center(geom());out geom;`

Cost: proportional to the number of positions; `geom()` of relations looks up the members.
"""

from __future__ import annotations

from collections.abc import Callable

from osm3s.eval.evaluators.preparation import GeometryColumn, Preparation
from osm3s.eval.geometries import NOWHERE
from osm3s.eval.items import Items
from osm3s.output.derived import Geometry, Line, Point
from osm3s.ql.numbers import whole_float
from osm3s.ql.tree import Element

GeometryRows = Callable[[Items], list[tuple[Geometry | None, ...]]]


def geometry(preparation: Preparation, element: Element) -> GeometryColumn:
    return lambda items: items.spread(items.batch.geometries())


def _point_of(lat: str, lon: str) -> Geometry:
    y, x = whole_float(lat), whole_float(lon)
    if y is None or x is None or not (-90 <= y <= 90 and -180 <= x <= 180):
        return NOWHERE
    return Point(y, x)


def point(preparation: Preparation, element: Element) -> GeometryColumn:
    lats, lons = preparation.operands(element, 2)
    return lambda items: [_point_of(lat, lon) for lat, lon in zip(lats(items), lons(items), strict=True)]


def center_of(shape: Geometry | None) -> Geometry | None:
    if shape is None:
        return None
    bounds = shape.bounds
    return NOWHERE if bounds is None else Point(*bounds.center)


def center(preparation: Preparation, element: Element) -> GeometryColumn | None:
    operand = preparation.geometry(element.children[0]) if element.children else None
    return operand and (lambda items: [center_of(shape) for shape in operand(items)])


def arguments(preparation: Preparation, element: Element) -> GeometryRows:
    """A function for the values of all arguments, item by item."""
    columns = [column for column in map(preparation.geometry, element.children) if column is not None]

    def rows(items: Items) -> list[tuple[Geometry | None, ...]]:
        return list(zip(*(column(items) for column in columns), strict=True)) if columns else items.constant(())

    return rows


def linestring(preparation: Preparation, element: Element) -> GeometryColumn:
    rows = arguments(preparation, element)

    def line(shapes: tuple[Geometry | None, ...]) -> Line:
        centers = [center_of(shape) for shape in shapes]
        return Line([(place.lat, place.lon) for place in centers if isinstance(place, Point)])

    return lambda items: [line(shapes) for shapes in rows(items)]
