"""Answers in the format custom: pages made from a template, or the way to the only element (spec:
overpass-language.md 8.5).

`[out:custom]`: a page made from a template of the database, or a redirection if there is just one element. The form
fields `template`, `url` and `redirect=no` choose the template, where to redirect to, and a page also for one element.

Example: `[out:custom];way(id:12,13);out;`
Cost: some ten microseconds for each element; the page is kept in memory until it is complete.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

from osm3s.constants import COPYRIGHT
from osm3s.ffi import ffi, lib
from osm3s.ffi.sink import Sink
from osm3s.output.decoded import Decoded, DecodedWriter
from osm3s.output.derived import Bounds, Position, coordinate
from osm3s.output.elements import Head
from osm3s.output.markup import HTML_CONTENT_TYPE, HTML_END, error_paragraph, escaped, html_begin
from osm3s.output.print_options import Box
from osm3s.output.template import Blocks, Template, Values, block_in, read_template, render

NODE_ZOOM, DEEPEST_ZOOM, ZOOM_WITHOUT_BOUNDS = 17, 15, 16
DEEPEST_ZOOM_DEGREES = 0.012
"""Larger side of a box that fits on the map at the deepest zoom level."""


class CustomWriter(DecodedWriter):
    """`template` is the name of a file in the directory `templates`; `url` leads to the only element found, unless
    `redirect` is false."""

    def __init__(self, sink: Sink, redirect: bool, template: str, url: str) -> None:
        super().__init__(sink)
        self._redirect = redirect
        self._template_name = template
        self._url = url
        self._template: Template | None = None
        self._dates = ""
        self._errors = ""
        self._pages: list[str] = []
        self._first: Values = {}
        self._held_bytes = 0

    def header(self, osm_base: str, areas_base: str | None = None, bbox: Box | None = None) -> None:
        areas = f"<br/>Areas based on data until: {escaped(areas_base)}" if areas_base else ""
        self._dates = f"<p>Data included until: {escaped(osm_base)}{areas}</p>\n" if osm_base else ""

    @property
    def held_bytes(self) -> int:
        return self._held_bytes

    def element(self, element: Decoded) -> None:
        if self._template is None:
            self._template = read_template(os.path.join(self.templates, self._template_name))
        values = {"id": str(element["id"]), "type": element["type"]}
        if not self._pages:
            self._first = values
        page = render(self._template.elements[element["type"]], values, _blocks(element))
        self._pages.append(page)
        self._held_bytes += len(page) + 64

    def remark(self, text: str) -> None:
        self._errors += error_paragraph(text)

    def head(self) -> Head:
        if not (self._redirect and len(self._pages) == 1) or self._errors:
            return Head(HTML_CONTENT_TYPE)
        location = render(self._url, self._first, dict.fromkeys(("coords", "bbox", "tags", "members"), lambda _: ""))
        return Head(None, _one_line(location))

    def footer(self) -> None:
        if self.head().location is not None:
            return
        template = self._template or Template("", {}, False)
        self.sink.write(html_begin("init()" if template.has_script else ""))
        self.sink.write(f"\n<p>{COPYRIGHT}</p>\n{self._dates}{self._errors}")
        if not self._pages and self._redirect:
            self.sink.write("<p>No results found.</p>\n")
        else:
            self.sink.write(render_count(template.header, len(self._pages)) + "\n")
            for page in self._pages:
                self.sink.write(page)
        self.sink.write(HTML_END)


def render_count(text: str, n: int) -> str:
    return text.replace("{{{count}}}", str(n))


def _one_line(location: str) -> str:
    """Whatever a client puts into the address, it stays in its line of the head."""
    return "".join(quote(char) if char < " " or char == "\x7f" else char for char in location)


# --- what is inside the block of an element ---


def _blocks(element: Decoded) -> Blocks:
    is_node = element["type"] == "node"
    bounds = _bounds(element)
    id_ = {"id": str(element["id"])}
    tags = [{"key": escaped(key), "value": escaped(value)} | id_ for key, value in element.get("tags", {}).items()]
    if element["type"] == "way":
        members: list[Values] = [{"ref": str(ref)} for ref in element.get("nodes", ())]
    else:
        members = [
            {"ref": str(member["ref"]), "type": member["type"], "role": escaped(member["role"])} | id_
            for member in element.get("members", ())
        ]
    return {
        "coords": partial(_coords, bounds, id_),
        "bbox": (lambda _: "") if is_node else partial(_bbox, bounds, id_),
        "tags": partial(_list, tags),
        "members": partial(_list, members),
    }


def _bounds(element: Decoded) -> Bounds | None:
    """A node's position or an element's centre is a box as well."""
    if "bounds" in element:
        box = element["bounds"]
        return Bounds(box["minlat"], box["minlon"], box["maxlat"], box["maxlon"])
    position = element.get("center", element)
    if "lat" not in position:
        return None
    return Bounds(position["lat"], position["lon"], position["lat"], position["lon"])


def _zoom(bounds: Bounds) -> int:
    """The deepest level of a map that shows the box."""
    side, zoom = DEEPEST_ZOOM_DEGREES, DEEPEST_ZOOM
    while bounds.north - bounds.south > side or (bounds.east - bounds.west) % 360 > side:
        side, zoom = side * 2, zoom - 1
    return zoom


def _center(bounds: Bounds) -> Position:
    """The centre as the core computes it, so that it is rounded like everywhere else."""
    south, west, north, east = (round(side * 1e7) for side in (bounds.south, bounds.west, bounds.north, bounds.east))
    box = ffi.new("osm3s_bbox *", {"south": south, "west": west, "north": north, "east": east})
    place = ffi.new("double[2]")
    lib.osm3s_center_of_bounds(box[0], place, place + 1)
    return place[0], place[1]


def _coords(bounds: Bounds | None, id_: Values, text: str) -> str:
    if bounds is None:
        return ""
    return render(text, {"lat": coordinate(bounds.south), "lon": coordinate(bounds.west), **id_}, {})


def _bbox(bounds: Bounds | None, id_: Values, text: str) -> str:
    if bounds is None:
        none = block_in(text, "none")
        return text if none is None else none
    lat, lon = _center(bounds)
    values = {
        "south": coordinate(bounds.south),
        "west": coordinate(bounds.west),
        "north": coordinate(bounds.north),
        "east": coordinate(bounds.east),
        "lat": coordinate(lat),
        "lon": coordinate(lon),
        "zoom": str(_zoom(bounds)),
        **id_,
    }
    return render(text, values, {"none": lambda _: ""})


def _list(items: Sequence[Values], text: str) -> str:
    """The text once per item; its block `first` is for the first item instead."""
    first = block_in(text, "first")
    texts = [text] * len(items)
    if first and texts:
        texts[0] = first
    return "".join(render(text, item, {"first": lambda _: ""}) for text, item in zip(texts, items, strict=True))
