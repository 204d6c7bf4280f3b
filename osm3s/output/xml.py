"""Answers in XML (spec: overpass-language.md 8.2).

`[out:xml]`: elements with their parts as XML, with metadata as OpenStreetMap writes it. The format if none is asked
for.

Example: `node(5);out;`
Cost: about a second for a gigabyte.
"""

from __future__ import annotations

from collections.abc import Iterator

from osm3s.constants import COPYRIGHT, GENERATOR
from osm3s.output.derived import Bounds, Collection, Derived, Geometry, Line, Point, Polygon, Position, coordinate
from osm3s.output.elements import ElementWriter
from osm3s.output.markup import escaped, escaped_content
from osm3s.output.print_options import Box, PrintOptions


class XmlWriter(ElementWriter):
    format = "xml"
    content_type = "application/osm3s+xml"

    def header(self, osm_base: str, areas_base: str | None = None, bbox: Box | None = None) -> None:
        areas = f' areas="{escaped(areas_base)}"' if areas_base else ""
        self.sink.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<osm version="0.6" generator="{escaped(GENERATOR)}">\n'
            f"<note>{COPYRIGHT}</note>\n"
            f'<meta osm_base="{escaped(osm_base)}"{areas}/>\n\n'
        )
        if bbox is not None:
            self.sink.write(f"{_bounds_line(Bounds(*bbox), '  ')}\n\n")

    def derived(self, element: Derived, options: PrintOptions) -> None:
        id_ = f' id="{element.id}"' if options.ids else ""
        lines = list(_geometry_lines(element.geometry, options.geometry)) if element.geometry else []
        if options.tags:
            lines += [f'    <tag k="{escaped(key)}" v="{escaped(value)}"/>' for key, value in element.tags]
        may_be_empty = isinstance(element.geometry, Line | Polygon | Collection) and options.geometry == "full"
        if not lines and not may_be_empty:
            self.sink.write(f"  <{element.type}{id_}/>\n")
            return
        self.sink.write("\n".join([f"  <{element.type}{id_}>", *lines, f"  </{element.type}>\n"]))

    def remark(self, text: str) -> None:
        self.sink.write(f"<remark> {escaped_content(text)} </remark>\n")

    def footer(self) -> None:
        self.sink.write("\n</osm>\n")


def _place(position: Position) -> str:
    return f'lat="{coordinate(position[0])}" lon="{coordinate(position[1])}"'


def _bounds_line(box: Bounds, indent: str) -> str:
    return (
        f'{indent}<bounds minlat="{coordinate(box.south)}" minlon="{coordinate(box.west)}"'
        f' maxlat="{coordinate(box.north)}" maxlon="{coordinate(box.east)}"/>'
    )


def _geometry_lines(geometry: Geometry, detail: str) -> Iterator[str]:
    if detail == "full":
        yield from _full_lines(geometry, "    ")
        return
    bounds = geometry.bounds
    if bounds is not None and detail == "bounds":
        yield _bounds_line(bounds, "    ")
    elif bounds is not None and detail == "center":
        yield f"    <center {_place(bounds.center)}/>"


def _full_lines(geometry: Geometry | None, indent: str) -> Iterator[str]:
    match geometry:
        case Point(lat, lon):
            yield f"{indent}<point {_place((lat, lon))}/>"
        case Line(positions):
            for position in positions:
                yield f"{indent}<vertex {_place(position)}/>"
        case Collection(parts):
            for part in parts:
                yield f"{indent}<group>"
                yield from _full_lines(part, indent + "  ")
                yield f"{indent}</group>"
        case Polygon(rings):
            for ring in rings:
                yield f"{indent}<linestring>"
                for position in ring:
                    yield f"{indent}  <vertex {_place(position)}/>"
                yield f"{indent}</linestring>"
