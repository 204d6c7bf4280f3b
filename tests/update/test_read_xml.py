"""OSM XML and osmChange: every rule of the format; pyosmium and expat as independent witnesses; damaged documents."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from elements import NODE, elements
from expat_reader import comparable, expat_elements
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from independent_reader import pyosmium_elements

from osm3s.errors import InputError
from osm3s.ffi.batch import Element
from osm3s.update.read_xml import XmlReader


def read(document: str | bytes) -> list[Element]:
    data = document.encode() if isinstance(document, str) else document
    return [e for batch in XmlReader(io.BytesIO(data), "test.osm") for e in batch.elements()]


def osm(content: str) -> list[Element]:
    return read(f"<osm>{content}</osm>")


def test_every_field_of_every_type() -> None:
    assert osm(
        """
        <bounds minlat="1" minlon="2" maxlat="3" maxlon="4"/>
        <node id="7" lat="52.0000001" lon="-13.0000002" version="3" timestamp="2020-09-13T12:26:40Z" changeset="99"
              uid="12" user="J&#246;rg &amp; &lt;co&gt;" visible="true">
          <tag k="amenity" v="caf&#xe9;"/><tag k="" v=""/>
        </node>
        <way id='8' version='2'><nd ref='1'/><bounds/><nd ref='-2'/><tag k='highway' v='path'/></way>
        <relation id="9"><member type="way" ref="8" role="outer"/><member type="node" ref="7" role=""/>
          <member type="relation" ref="1099511627776"/></relation>
        """
    ) == [
        Element(
            type="node",
            id=7,
            position=(520000001, -130000002),
            version=3,
            timestamp=1600000000,
            changeset=99,
            uid=12,
            user="Jörg & <co>",
            deleted=False,
            tags=[("amenity", "café"), ("", "")],
            refs=[],
            members=[],
        ),
        NODE._replace(type="way", id=8, version=2, refs=[1, -2], tags=[("highway", "path")]),
        NODE._replace(type="relation", id=9, members=[("way", 8, "outer"), ("node", 7, ""), ("relation", 2**40, "")]),
    ]


@pytest.mark.parametrize(
    ("lat", "lon", "position"),
    [
        ("1", "2", (10000000, 20000000)),
        ("+1.5", "-.5", (15000000, -5000000)),
        ("90", "180", (900000000, 1800000000)),
        ("-90.0", "-180.000000000000000000000000000", (-900000000, -1800000000)),
        ("0.00000005", "0.00000005", (1, 1)),
        ("-0.00000005", "-0.00000005", (0, -1)),  # a tie goes north, or away from 0
        ("-0.000000050000000000000000000000001", "0.00000004999999999999999999999999", (-1, 0)),
        ("9.0E-5", "1.5e1", (900, 150000000)),
        ("1e-300", "0e300", (0, 0)),
        ("48.123456749999999999999999", "48.1234567500000000000001", (481234567, 481234568)),
        ("90.00000005", "0", None),
        ("0", "180.0000001", None),
        ("1e3", "0", None),
        ("99999999999999999999999", "0", None),
        ("", "0", None),
        ("abc", "0", None),
        ("1.2.3", "0", None),
        ("1e", "0", None),
        ("NaN", "0", None),
        ("0", "-", None),
    ],
)
def test_coordinates(lat: str, lon: str, position: tuple[int, int] | None) -> None:
    assert osm(f'<node id="1" lat="{lat}" lon="{lon}"/>') == [NODE._replace(position=position)]


@given(st.decimals(-180, 180, places=12, allow_nan=False))
def test_coordinates_are_exactly_rounded(lon: object) -> None:
    from decimal import ROUND_HALF_UP, Decimal

    rounded = int((Decimal(str(lon)) * 10**7).to_integral_value(ROUND_HALF_UP))
    assert osm(f'<node id="1" lat="0" lon="{lon}"/>')[0].position == (0, rounded)


def test_missing_coordinates_are_not_known() -> None:
    assert [e.position for e in osm('<node id="1"/><node id="2" lat="1"/><node id="3" lon="1"/>')] == [None] * 3


@given(st.datetimes(datetime(1970, 1, 1), datetime(2106, 2, 7)))
def test_timestamps(time: datetime) -> None:
    time = time.replace(microsecond=0)
    found = osm(f'<way id="1" timestamp="{time.isoformat()}Z"/>')[0].timestamp
    assert found == int(time.replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("time", ["1969-12-31T23:59:59Z", "2106-02-07T06:28:15Z", "9999-12-31T23:59:59Z"])
def test_times_out_of_range_and_numbers_out_of_range_are_not_known(time: str) -> None:
    attributes = f'version="-1" changeset="4294967296" uid="x" timestamp="{time}"'
    assert osm(f'<way id="1" {attributes}/>') == [NODE._replace(type="way")]


def test_change_sections_in_any_order() -> None:
    reader = XmlReader(
        io.BytesIO(
            b"""<osmChange version="0.6">
            <delete><relation id="1"/><way id="1"/></delete>
            <create><way id="2"/></create><delete/><modify><node id="3"/></modify>
            <delete><node id="4" version="5" timestamp="2020-09-13T12:26:40Z"/></delete><create><node id="5"/></create>
            <modify><node id="6" visible="false"/></modify></osmChange>"""
        ),
        "test.osc",
    )
    assert reader.is_change
    found = [(e.type, e.id, e.deleted) for batch in reader for e in batch.elements()]
    assert found == [
        ("relation", 1, True),
        ("way", 1, True),
        ("way", 2, False),
        ("node", 3, False),
        ("node", 4, True),
        ("node", 5, False),
        ("node", 6, True),
    ]


def test_what_does_not_belong_to_an_element_is_passed_over() -> None:
    content = """<note>a &lt; b</note><!-- <node id="1"/> --><changeset id="5"><tag k="comment" v="x"/></changeset>
    <node id="1"><nd ref="5"/><member type="way" ref="3"/><center lat="1" lon="2"/><tag k="a" v="b"/></node>
    <![CDATA[<node id="2"/>]]><?pi x?><tag k="c" v="d"/><way id="2"><member type="way" ref="3"/></way>"""
    assert [(e.id, e.tags, e.refs, e.members) for e in osm(content)] == [(1, [("a", "b")], [], []), (2, [], [], [])]


@pytest.mark.parametrize(
    ("document", "timestamp"),
    [
        ('<osm timestamp="2018-03-01T21:43:02Z"/>', "2018-03-01T21:43:02Z"),
        ('<osm osmosis_replication_timestamp="2018-03-01T21:43:02Z"/>', "2018-03-01T21:43:02Z"),
        ('<osm><meta osm_base="2014-11-05T10:47:02Z"/><node id="1"/></osm>', "2014-11-05T10:47:02Z"),
        ("<osm><meta/></osm>", None),
        ('<osm version="0.6"/>', None),
    ],
)
def test_timestamp_of_the_data(document: str, timestamp: str | None) -> None:
    reader = XmlReader(io.BytesIO(document.encode()), "test.osm")
    list(reader)
    assert reader.timestamp == timestamp


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings(encoding: str) -> None:
    name = encoding.removesuffix("-sig")
    document = f'<?xml version="1.0" encoding="{name}"?><osm><node id="1" user="é"/></osm>'
    assert read(document.encode(encoding)) == [NODE._replace(user="é")]


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("<html><body>502</body></html>", "line 1: not OSM data but an HTML page"),
        ("<!DOCTYPE html>\n<html><br></html>", "line 1: not OSM data but an HTML page"),
        ("<gpx/>", "not OSM data but a document with the root element <gpx>"),
        ("<error", "not OSM data"),
        ("", "not OSM data: no root element found"),
        ('<!DOCTYPE osm [<!ENTITY a "aaaa">]><osm/>', "document type"),
        ("<osm>\n<node id='1'/>", "line 2: the file is truncated"),
        ("<osm>\n\n<node id='1'", "line 3: the file is truncated"),
        ("<osm>\n<node id='1'></way></osm>", "line 2: not well-formed XML: mismatched tag </way>"),
        ("<osm/>\n<osm/>", "line 2: not well-formed XML: something follows the root element"),
        ("<osm>\n<node id='1' id='2'/></osm>", 'line 2: not well-formed XML: the attribute "id" occurs twice'),
        ("<osm>\n<node id='1' user='&unknown;'/></osm>", 'line 2: not well-formed XML: "&unknown;"'),
        ("<osm>\n<node id='1' user='&#1;'/></osm>", 'line 2: not well-formed XML: "&#1;"'),
        ("<osm>\n<node id='1'>\n<tag k='a'/></node></osm>", "line 3: a tag without v"),
        ("<osm>\n<node id='1'><tag v='a'/></node></osm>", "line 2: a tag without k"),
        ("<osm>\n<node/></osm>", 'line 2: a node has the id ""'),
        ("<osm>\n<way id='12a'/></osm>", 'line 2: a way has the id "12a"'),
        ("<osm>\n<way id='9223372036854775808'/></osm>", "line 2: a way has the id"),
        ("<osm>\n<way id='-12'/></osm>", "line 2: way -12: ids must be positive"),
        ("<osm>\n<way id='12' timestamp='yesterday'/></osm>", 'line 2: way 12: the timestamp "yesterday"'),
        ("<osm>\n<way id='12' timestamp='2020-13-01T00:00:00Z'/></osm>", "line 2: way 12: the timestamp"),
        ("<osm>\n<way id='12'><nd ref=''/></way></osm>", 'line 2: the reference ""'),
        ("<osm>\n<relation id='1'><member type='area' ref='1'/></relation></osm>", 'a member of the type "area"'),
        ("<osm>\n<relation id='1'><node id='1'/></relation></osm>", "line 2: <node> inside another element"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(document: str, text: str) -> None:
    with pytest.raises(InputError) as caught:
        read(document)
    assert text in str(caught.value)
    assert str(caught.value).startswith("test.osm: line ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [b"\xc3(", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\0", b"\x1f", b"\xef\xbf\xbf"],
)
@pytest.mark.parametrize("document", [b"<osm><node id='1' user='%s'/></osm>", b"<osm> a %s </osm>", b"<osm/><!--%s-->"])
def test_bytes_that_are_no_characters_are_refused(document: bytes, raw: bytes) -> None:
    with pytest.raises(InputError, match="line 1: not well-formed XML: bytes that are no UTF-8"):
        read(document % raw)


def test_all_characters_are_read() -> None:
    every = "\x20\x7e\x7f\x80\u07ff\u0800\ud7ff\ue000\ufffd\U00010000\U0010ffff"
    references = "".join(f"&#{ord(c)};&#x{ord(c):x};" for c in every + "\t\n\r")
    document = f"<osm><node id='1' user='{every}\t\r\n\r\n'/><node id='2' user='{references}'/></osm>"
    doubled = "".join(c + c for c in every + "\t\n\r")
    assert [e.user for e in read(document)] == [every + "   ", doubled]


def to_xml(e: Element) -> str:
    time = datetime.fromtimestamp(e.timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    attributes = f'id="{e.id}" version="{e.version}" timestamp="{time}" changeset="{e.changeset}" uid="{e.uid}"'
    attributes += f' user={quoteattr(e.user)} visible="{"false" if e.deleted else "true"}"'
    if e.position is not None:
        attributes += f' lat="{e.position[0] / 10**7:.7f}" lon="{e.position[1] / 10**7:.7f}"'
    content = [f"<nd ref='{ref}'/>" for ref in e.refs]
    content += [f"<member type='{kind}' ref='{ref}' role={quoteattr(role)}/>" for kind, ref, role in e.members]
    content += [f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in e.tags]
    return f"<{e.type} {attributes}>{''.join(content)}</{e.type}>\n"


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(elements(), max_size=8))
def test_what_was_written_is_read(some: list[Element]) -> None:
    assert osm("".join(map(to_xml, some))) == some


class Slow:
    """A stream that gives few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step = data, step

    def read(self, n: int, /) -> bytes:
        piece, self.data = self.data[: self.step], self.data[self.step :]
        return piece


SNIPPETS = [
    b"<",
    b">",
    b"/>",
    b"</",
    b"&",
    b"&amp;",
    b";",
    b"'",
    b'"',
    b"=",
    b" ",
    b"\n",
    b"<!--",
    b"-->",
    b"--",
    b"<?",
]
SNIPPETS += [b"?>", b"<![CDATA[", b"]]>", b"<!", b"<osm>", b"</osm>", b"<node id='5'>", b"</node>", b"<delete>", b"a"]
SNIPPETS += [b"</delete>", b"<tag k='x' v='&lt;&#65;&#x7a;'/>", b"\x01", b"&#0;", b"<?xml version='1.0'?>", b"&#;"]


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(elements(), min_size=1, max_size=3), st.data())
def test_damaged_document_is_judged_as_by_expat(some: list[Element], data: st.DataObject) -> None:
    """Whatever is done to a document: the scanner refuses what expat refuses, and else finds what expat finds.

    How the document is cut into pieces makes no difference to elements or errors.
    """
    document = f"<osm>{''.join(map(to_xml, some))}</osm>".encode("ascii", "xmlcharrefreplace")
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(document)))
        cut = data.draw(st.integers(0, 4))
        document = document[:at] + data.draw(st.sampled_from(SNIPPETS)) + document[at + cut :]
    if data.draw(st.integers(0, 3)) == 0:
        document = document[: data.draw(st.integers(0, len(document)))]
    judged = expat_elements(document)
    try:
        found, error = read(document), ""
    except InputError as caught:
        found, error = [], str(caught)
        assert error.startswith("test.osm: line ")
        assert "\n" not in error
    if judged is None:
        assert error
    elif not error:
        assert [comparable(e) for e in found] == judged
    else:
        assert "well-formed" not in error
        assert "truncated" not in error
    try:
        pieces = XmlReader(Slow(document, data.draw(st.integers(1, 9))), "test.osm")
        assert [e for batch in pieces for e in batch.elements()] == found
    except InputError as caught:
        assert str(caught) == error


def test_elements_across_chunks_and_batches_stay_whole() -> None:
    some = [NODE._replace(id=i, tags=[("name", f"street {i}"), ("k" * 300, "v")]) for i in range(1, 60_001)]
    document = f"<osm>{''.join(map(to_xml, some))}</osm>".encode()
    batches = list(XmlReader(io.BytesIO(document), "test.osm"))
    assert len(batches) > 1
    assert [e for batch in batches for e in batch.elements()] == some


@pytest.mark.parametrize("file", ["extracts/north-bayreuth.osm.gz", "diffs/planet-minute-2024-08-02.osc.gz"])
def test_real_files_equal_pyosmium(shared_dir: Path, file: str) -> None:
    path = shared_dir / "data" / file
    with gzip.open(path) as stream:
        ours = (e for batch in XmlReader(stream, file) for e in batch.elements())  # type: ignore[arg-type]
        n = 0
        for one, other in zip_longest(ours, pyosmium_elements(path)):
            assert one == other
            n += 1
    assert n > 1000
