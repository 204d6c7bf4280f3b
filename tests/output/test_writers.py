"""Whole answers: header, derived objects, remarks and footer in every format, byte by byte."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm3s.constants import COPYRIGHT, GENERATOR
from osm3s.ffi.sink import Sink
from osm3s.output.derived import (
    Collection,
    Derived,
    Geometry,
    Line,
    Nowhere,
    Point,
    Polygon,
    bounds_of_positions,
    count_element,
)
from osm3s.output.print_options import PrintOptions
from osm3s.output.writer import Writer, writer_for
from osm3s.ql.formats import CsvConfig
from osm3s.ql.request import Request
from osm3s.ql.tree import Element

FULL = PrintOptions(geometry="full")
COUNT = PrintOptions(mode="count")


def answer(writer: Writer) -> str:
    return writer.sink.data().decode()


def derived(format_: str, element: Derived, options: PrintOptions = PrintOptions()) -> str:  # noqa: B008
    writer = writer_for(format_, None, Sink())
    writer.derived(element, options)
    return answer(writer)


def test_empty_xml() -> None:
    writer = writer_for("xml", None, Sink())
    writer.header("2020-06-01T00:00:00Z")
    writer.footer()
    assert answer(writer) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<osm version="0.6" generator="{GENERATOR}">\n<note>{COPYRIGHT}</note>\n'
        '<meta osm_base="2020-06-01T00:00:00Z"/>\n\n\n</osm>\n'
    )


def test_xml_with_areas_box_and_remark() -> None:
    writer = writer_for("xml", None, Sink())
    writer.header("a", "b", (51, -7.5, 52, 8))
    writer.remark('runtime error: Query timed out in "query" at line 3 after 2 seconds. <&>')
    writer.footer()
    assert answer(writer).split("</note>\n")[1] == (
        '<meta osm_base="a" areas="b"/>\n\n'
        '  <bounds minlat="51.0000000" minlon="-7.5000000" maxlat="52.0000000" maxlon="8.0000000"/>\n\n'
        '<remark> runtime error: Query timed out in "query" at line 3 after 2 seconds. &lt;&amp;&gt; </remark>\n'
        "\n</osm>\n"
    )


def test_empty_json() -> None:
    writer = writer_for("json", None, Sink())
    writer.header("2020-06-01T00:00:00Z", "2020-06-02T00:00:00Z")
    writer.footer()
    assert answer(writer) == (
        f'{{\n  "version": 0.6,\n  "generator": "{GENERATOR}",\n  "osm3s": {{\n'
        '    "timestamp_osm_base": "2020-06-01T00:00:00Z",\n'
        '    "timestamp_areas_base": "2020-06-02T00:00:00Z",\n'
        f'    "copyright": "{COPYRIGHT}"\n  }},\n  "elements": [\n\n\n\n  ]\n}}\n'
    )


def test_json_with_padding_and_remarks() -> None:
    writer = writer_for("json", None, Sink(), Request("", jsonp="call.back_1"))
    writer.header("t")
    writer.remark('runtime error: a "quoted" one.')
    writer.remark("runtime error: two.")
    writer.footer()
    text = answer(writer)
    assert text.startswith('call.back_1({\n  "version": 0.6,\n')
    assert text.endswith('\n\n  ],\n"remark": "runtime error: a \\"quoted\\" one.runtime error: two."\n});\n')


COUNTS = count_element(23, 72, 10)


def test_count() -> None:
    assert derived("xml", COUNTS, COUNT) == (
        '  <count id="0">\n    <tag k="nodes" v="23"/>\n    <tag k="ways" v="72"/>\n'
        '    <tag k="relations" v="10"/>\n    <tag k="total" v="105"/>\n  </count>\n'
    )
    assert derived("json", COUNTS, COUNT) == (
        '{\n  "type": "count",\n  "id": 0,\n  "tags": {\n    "nodes": "23",\n    "ways": "72",\n'
        '    "relations": "10",\n    "total": "105"\n  }\n}'
    )
    assert count_element(1, 2, 3, 4).tags[-2:] == [("areas", "4"), ("total", "10")]


def test_count_in_csv() -> None:
    names = ["type", "otype", "id", "count", "count:nodes", "count:ways", "count:relations", "count:areas", "lat"]
    writer = writer_for("csv", CsvConfig([*((n, True) for n in names), ("total", False), ('a"b', False)]), Sink())
    writer.header("t")
    writer.derived(COUNTS, COUNT)
    writer.derived(Derived("area", 3600000001, [("total", "x,y")]), PrintOptions(ids=False))
    writer.footer()
    assert answer(writer) == (
        '@type\t@otype\t@id\t@count\t@count:nodes\t@count:ways\t@count:relations\t@count:areas\t@lat\ttotal\t"a""b"\n'
        "count\t4\t0\t105\t23\t72\t10\t0\t\t105\t\n"
        'area\t4\t\t\t\t\t\t\t\t"x,y"\t\n'
    )


def test_csv_without_header_and_remarks() -> None:
    writer = writer_for("csv", CsvConfig([("type", True)], header=False), Sink())
    writer.header("t")
    writer.remark("runtime error: lost.")
    writer.footer()
    assert answer(writer) == ""


def test_areas_have_only_id_and_tags() -> None:
    area = Derived("area", 3600000023, [("name", "Mp")])
    assert derived("xml", area, FULL) == '  <area id="3600000023">\n    <tag k="name" v="Mp"/>\n  </area>\n'
    assert derived("xml", area, PrintOptions(mode="skeleton")) == '  <area id="3600000023"/>\n'
    assert derived("json", area, PrintOptions(mode="tags", ids=False)) == (
        '{\n  "type": "area",\n  "tags": {\n    "name": "Mp"\n  }\n}'
    )


LINE = Line([(42.5588435, 1.5872454), (42.5588554, 1.5867305)])
S, W, N, E = 42.5588435, 1.5867305, 42.5588554, 1.5872454


def test_geometries_in_xml() -> None:
    geometry = Collection([Point(1, -2), None, LINE, Polygon([[(0, 0), (0, 1), (1, 0), (0, 0)]])])
    assert derived("xml", Derived("x", 1, [], geometry), FULL) == (
        '  <x id="1">\n'
        '    <group>\n      <point lat="1.0000000" lon="-2.0000000"/>\n    </group>\n'
        "    <group>\n    </group>\n"
        '    <group>\n      <vertex lat="42.5588435" lon="1.5872454"/>\n'
        '      <vertex lat="42.5588554" lon="1.5867305"/>\n    </group>\n'
        "    <group>\n      <linestring>\n"
        '        <vertex lat="0.0000000" lon="0.0000000"/>\n        <vertex lat="0.0000000" lon="1.0000000"/>\n'
        '        <vertex lat="1.0000000" lon="0.0000000"/>\n        <vertex lat="0.0000000" lon="0.0000000"/>\n'
        "      </linestring>\n    </group>\n"
        "  </x>\n"
    )


@pytest.mark.parametrize(
    ("nothing", "geojson"),
    [
        (Line([]), {"type": "LineString", "coordinates": []}),
        (Polygon([]), {"type": "Polygon", "coordinates": []}),
        (Collection([]), None),
    ],
)
def test_shapes_without_positions(nothing: Geometry, geojson: object) -> None:
    element = Derived("x", 1, [], nothing)
    assert derived("xml", element, FULL) == '  <x id="1">\n  </x>\n'
    assert json.loads(derived("json", element, FULL)).get("geometry") == geojson
    for options in (PrintOptions(geometry="center"), PrintOptions(geometry="bounds")):
        assert derived("xml", element, options) == '  <x id="1"/>\n'
        assert "geometry" not in derived("json", element, options)


def test_what_is_nowhere_has_no_shape() -> None:
    element = Derived("x", 1, [], Nowhere())
    assert derived("xml", element, FULL) == '  <x id="1"/>\n'
    assert "geometry" not in derived("json", element, FULL)


def test_zero_has_no_sign() -> None:
    element = Derived("x", 1, [], Point(-1e-9, -0.0))
    assert 'lat="0.0000000" lon="0.0000000"' in derived("xml", element, FULL)


def test_geometries_in_json() -> None:
    text = derived("json", Derived("w", 181921269, [("highway", "track")], LINE), FULL)
    assert text == (
        '{\n  "type": "w",\n  "id": 181921269,\n  "geometry": {\n    "type": "LineString",\n    "coordinates": [\n'
        "      [1.5872454, 42.5588435],\n      [1.5867305, 42.5588554]\n    ]\n  },\n"
        '  "tags": {\n    "highway": "track"\n  }\n}'
    )
    text = derived("json", Derived("p", 5, [], Point(42.5291884, 1.5689628)), FULL)
    assert text == (
        '{\n  "type": "p",\n  "id": 5,\n  "geometry": {\n    "type": "Point",\n'
        '    "coordinates": [ 1.5689628, 42.5291884 ]\n  }\n}'
    )


def test_nested_geometries_are_geojson() -> None:
    ring = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0)]
    geometry = Collection([None, Collection([Polygon([ring, ring])]), LINE, Collection([])])
    shown = json.loads(derived("json", Derived("g", 1, [], geometry), FULL))["geometry"]
    assert shown["type"] == "GeometryCollection"
    assert [part["type"] for part in shown["geometries"]] == ["GeometryCollection", "LineString"]
    polygon = shown["geometries"][0]["geometries"][0]
    assert polygon == {"type": "Polygon", "coordinates": [[[lon, lat] for lat, lon in ring]] * 2}


@pytest.mark.parametrize(
    ("geometry", "xml", "geojson"),
    [
        (
            "bounds",
            '    <bounds minlat="42.5588435" minlon="1.5867305" maxlat="42.5588554" maxlon="1.5872454"/>\n',
            {
                "type": "Polygon",
                "coordinates": [[[W, S], [E, S], [E, N], [W, N], [W, S]]],
            },
        ),
        (
            "center",
            f'    <center lat="{(42.5588435 + 42.5588554) / 2:.7f}" lon="{(1.5867305 + 1.5872454) / 2:.7f}"/>\n',
            {
                "type": "Point",
                "coordinates": [
                    float(f"{(1.5867305 + 1.5872454) / 2:.7f}"),
                    float(f"{(42.5588435 + 42.5588554) / 2:.7f}"),
                ],
            },
        ),
    ],
)
def test_bounds_and_center_of_derived(geometry: str, xml: str, geojson: object) -> None:
    options = PrintOptions(geometry=geometry)
    element = Derived("x", 1, [], LINE)
    assert derived("xml", element, options) == f'  <x id="1">\n{xml}  </x>\n'
    assert json.loads(derived("json", element, options))["geometry"] == geojson


def test_bounds_across_the_antimeridian() -> None:
    box = bounds_of_positions([(1, 179), (2, -178)])
    assert box is not None
    assert (box.west, box.east, box.center) == (179, -178, (1.5, -179.5))
    around = bounds_of_positions([(0, -170), (0, 10), (0, 170), (0, -80), (0, 90)])
    assert around is not None
    assert (around.west, around.east) == (-180, 180)
    parts = Collection([Line([(0, 170), (0, 179)]), Line([(0, -179), (0, -170)])]).bounds
    assert parts is not None
    assert (parts.west, parts.east) == (170, -170)


def test_json_elements_are_separated() -> None:
    writer = writer_for("json", None, Sink())
    for id_ in (1, 2):
        writer.derived(Derived("d", id_), PrintOptions())
    assert answer(writer) == '{\n  "type": "d",\n  "id": 1\n},\n{\n  "type": "d",\n  "id": 2\n}'


# Everything but surrogates; what XML 1.0 and JSON cannot carry is shown as a question mark.
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


def kept(text: str) -> str:
    return "".join("?" if c < " " and c not in "\n\t\r" else c for c in text)


@given(TEXT, TEXT)
def test_any_tag_can_be_read_back(key: str, value: str) -> None:
    element = Derived("d", 1, [(key, value)])
    assert json.loads(derived("json", element))["tags"] == {kept(key): kept(value)}
    legal = {ord(c): "" for c in "\ufffe\uffff"}
    element.tags = [(key.translate(legal), value.translate(legal))]
    tag = ET.fromstring(derived("xml", element))[0]
    assert (tag.get("k"), tag.get("v")) == tuple(kept(text) for text in element.tags[0])


def test_options_of_a_print_element() -> None:
    assert PrintOptions.of(Element("print")) == PrintOptions()
    attrs = {"mode": "meta", "geometry": "full", "order": "quadtile", "ids": "no", "limit": "7"}
    box = {"s": "47.1", "w": "9", "n": "47.2", "e": "-9.5"}
    options = PrintOptions.of(Element("print", attrs | box))
    assert options == PrintOptions("meta", "full", "quadtile", False, 7, (47.1, 9.0, 47.2, -9.5))
    assert options.needs_members and options.needs_blocks and options.coordinates
    assert PrintOptions.of(Element("print", {"limit": "0"})).limit == 0
    assert not PrintOptions.of(Element("print", {"mode": "count", "geometry": "full"})).needs_members


def test_unknown_format() -> None:
    with pytest.raises(ValueError, match="opus"):
        writer_for("opus", None, Sink())
