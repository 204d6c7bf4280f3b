"""Answers in JSON (spec: overpass-language.md 8.3).

`[out:json]`: elements as JSON; geometry of derived objects as GeoJSON. The form field `jsonp` makes it a function call.

Example: `[out:json];way(12);out geom;`
Cost: about a second for a gigabyte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from osm3s.constants import COPYRIGHT, GENERATOR
from osm3s.ffi.sink import Sink
from osm3s.output.derived import (
    Bounds,
    Collection,
    Derived,
    Geometry,
    Line,
    Nowhere,
    Point,
    Polygon,
    Position,
    Shape,
    coordinate,
)
from osm3s.output.elements import ElementWriter
from osm3s.output.print_options import Box, PrintOptions

_STRING = dict.fromkeys(range(32), "?") | {
    ord("\n"): "\\n",
    ord("\t"): "\\t",
    ord("\r"): "\\r",
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}


_to_be_escaped = re.compile(r'[\x00-\x1f"\\]').search


def escaped(text: str) -> str:
    """The text as it stands between the quotes of a string."""
    return text.translate(_STRING) if _to_be_escaped(text) else text


def _tag_lines(tags: Sequence[tuple[str, str]]) -> str:
    """Areas of countries have hundreds of names: looked at all at once, as hardly any has something to be escaped."""
    if _to_be_escaped("".join([key + value for key, value in tags])):
        tags = [(escaped(key), escaped(value)) for key, value in tags]
    return ",\n".join([f'    "{key}": "{value}"' for key, value in tags])


class JsonWriter(ElementWriter):
    """With `jsonp`, the answer is a call of the function of this name."""

    format = "json"
    content_type = "application/json"

    def __init__(self, sink: Sink, jsonp: str | None = None) -> None:
        super().__init__(sink)
        self._jsonp = jsonp
        self._remarks = ""

    def header(self, osm_base: str, areas_base: str | None = None, bbox: Box | None = None) -> None:
        areas = f'    "timestamp_areas_base": "{escaped(areas_base)}",\n' if areas_base else ""
        self.sink.write(f"{self._jsonp}(" if self._jsonp else "")
        self.sink.write(
            '{\n  "version": 0.6,\n'
            f'  "generator": "{GENERATOR}",\n'
            '  "osm3s": {\n'
            f'    "timestamp_osm_base": "{escaped(osm_base)}",\n'
            f"{areas}"
            f'    "copyright": "{COPYRIGHT}"\n'
            "  },\n"
            '  "elements": [\n\n'
        )

    def derived(self, element: Derived, options: PrintOptions) -> None:
        members = [f'  "type": "{escaped(element.type)}"']
        if options.ids:
            members.append(f'  "id": {element.id}')
        geometry = _geometry(element.geometry, options.geometry) if element.geometry else None
        if geometry:
            members.append(f'  "geometry": {geometry}')
        if options.tags and element.tags:
            members.append(f'  "tags": {{\n{_tag_lines(element.tags)}\n  }}')
        self.sink.next_element(",\n")
        self.sink.write("{\n" + ",\n".join(members) + "\n}")

    def remark(self, text: str) -> None:
        self._remarks += text

    def footer(self) -> None:
        remark = f',\n"remark": "{escaped(self._remarks)}"' if self._remarks else ""
        self.sink.write(f"\n\n  ]{remark}\n}}{');' if self._jsonp else ''}\n")


def _position(position: Position) -> str:
    return f"{coordinate(position[1])}, {coordinate(position[0])}"


def _geometry(geometry: Geometry, detail: str) -> str | None:
    """The value of the member "geometry" as GeoJSON; None if there is nothing to show."""
    bounds = geometry.bounds
    if detail == "full" and isinstance(geometry, Line | Polygon):  # also one without positions
        return _full(geometry, "  ")
    if bounds is None or isinstance(geometry, Nowhere) or detail == "skeleton":
        return None
    if detail == "full":
        return _full(geometry, "  ")
    if detail == "bounds":
        return _object("Polygon", "coordinates", [_ring(_corners(bounds), "      ")], "  ")
    return _point(bounds.center, "  ")


def _corners(box: Bounds) -> list[Position]:
    southwest = (box.south, box.west)
    return [southwest, (box.south, box.east), (box.north, box.east), (box.north, box.west), southwest]


def _point(position: Position, indent: str) -> str:
    return f'{{\n{indent}  "type": "Point",\n{indent}  "coordinates": [ {_position(position)} ]\n{indent}}}'


def _object(type_: str, key: str, items: list[str], indent: str) -> str:
    """An object with a list of items, each of which is indented already."""
    body = ",".join(f"\n{item}" for item in items)
    return f'{{\n{indent}  "type": "{type_}",\n{indent}  "{key}": [{body}\n{indent}  ]\n{indent}}}'


def _ring(positions: list[Position], indent: str) -> str:
    """Positions one a line, in brackets."""
    body = ",".join(f"\n{indent}  [{_position(position)}]" for position in positions)
    return f"{indent}[{body}\n{indent}]"


def _full(shape: Shape, indent: str) -> str:
    inner = indent + "    "
    match shape:
        case Point(lat, lon):
            return _point((lat, lon), indent)
        case Line(positions):
            return _object("LineString", "coordinates", [f"{inner}[{_position(p)}]" for p in positions], indent)
        case Collection(parts):
            shown = [part for part in parts if isinstance(part, Shape) and part.bounds is not None]
            return _object("GeometryCollection", "geometries", [inner + _full(part, inner) for part in shown], indent)
        case polygon:
            return _object("Polygon", "coordinates", [_ring(ring, inner) for ring in polygon.rings], indent)
