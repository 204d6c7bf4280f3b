"""OSM XML as many programs may write it, read by our scanner and by osmium: the same elements."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import pytest
from elements import elements
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from independent_reader import pyosmium_elements

from osm3s.ffi.batch import Element
from osm3s.update.read_xml import XmlReader

NAMED = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
JUNK = ["", "", "", "\n\t", " ", "<!-- <node id='1'/> -->", "<?pi <node> ?>", "<![CDATA[<tag/>]]>", "a &#60; b"]
ROOT = [{"version": "0.6"}, {"version": "0.6", "generator": "JOSM", "upload": "never"}]
BEFORE = [
    "",
    "<bounds minlat='1' minlon='2' maxlat='3' maxlon='4'/>",
    "<note>The data is from www.openstreetmap.org.</note><meta osm_base='2024-03-20T12:00:00Z'/>",
    "<changeset id='5' user='x' uid='5' open='true'><tag k='comment' v='x'/></changeset>",
]
AFTER = ["", "<remark> runtime error: Query timed out </remark>"]
LONGEST = ("name:" + "\u00fc" * 509, "\U0001f600" * 256)
"""A tag of osmium's largest size: 1024 bytes a string."""


def read(document: bytes) -> list[Element]:
    return [e for batch in XmlReader(io.BytesIO(document), "test.osm") for e in batch.elements()]


def spelled(character: str, quote: str, random: Random) -> str:
    """A character in the value of an attribute."""
    ways = [f"&#{ord(character)};", f"&#x{ord(character):x};", f"&#x00{ord(character):X};"]
    ways += [f"&{NAMED[character]};"] * 3 if character in NAMED else []
    ways += [character] * 5 if character not in ("&", "<", quote) else []
    ways += ["\n", "\t", "\r\n"] if character == " " else []
    return random.choice(ways)


def tag(name: str, attributes: dict[str, str], random: Random, content: str | None = None) -> str:
    start = name
    for key in random.sample(sorted(attributes), len(attributes)):
        quote = random.choice("\"'")
        value = "".join(spelled(character, quote, random) for character in attributes[key])
        start += f"{random.choice([' ', ' ', ' ', chr(10), chr(9)])}{key}={quote}{value}{quote}"
    start += random.choice(["", "", " ", "\n"])
    return f"<{start}/>" if content is None else f"<{start}>{content}</{name}>"


def degrees(max_degrees: int, random: Random) -> str:
    """With more digits than are kept; or with fewer, then perhaps with an exponent: before one, osmium cuts digits off.
    None that lies halfway between two latitudes in the south: the reference and we take the northern one, osmium the
    southern one."""
    n_digits = random.randrange(13)
    limit = max_degrees * 10**n_digits
    value = Decimal(random.randint(-limit, limit)).scaleb(-n_digits)
    if value < 0 and value * 10**7 % 1 == Decimal("-0.5"):
        value = -value
    exponent = random.choice([0, 0, 1, -5]) if n_digits < 7 else 0
    return f"{value:f}" if exponent == 0 else f"{value.scaleb(-exponent):f}{random.choice('eE')}{exponent}"


def to_xml(e: Element, random: Random) -> str:
    """An element with some of its metadata, and things that have no meaning; attributes and parts in any order."""
    metadata = {
        "version": str(e.version),
        "timestamp": f"{datetime.fromtimestamp(e.timestamp, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "changeset": str(min(e.changeset, 2**32 - 2)),  # osmium refuses the largest
        "uid": str(e.uid),
        "user": e.user,
        "visible": "false" if e.deleted else "true",
        "action": "modify",
    }
    attributes = {"id": str(e.id)} | {key: value for key, value in metadata.items() if random.random() < 0.7}
    if e.position is not None:
        attributes |= {"lat": degrees(90, random), "lon": degrees(181, random)}
    place = random.choice([{}, {"lat": "1", "lon": "2"}])
    groups = [
        [tag("nd", {"ref": str(ref)} | place, random) for ref in e.refs],
        [tag("member", {"type": kind, "ref": str(ref), "role": role}, random) for kind, ref, role in e.members],
        [tag("tag", {"k": key, "v": value}, random) for key, value in e.tags],
        [] if e.type == "node" else ["<bounds minlat='1' minlon='2' maxlat='3' maxlon='4'/>"],
    ]
    random.shuffle(groups)
    content = "".join(part + random.choice(JUNK) for group in groups for part in group)
    return tag(e.type, attributes, random, content or random.choice(["", None]))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    some=st.lists(elements(), max_size=8),
    encoding=st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "us-ascii"]),
    random=st.randoms(use_true_random=True),
)
def test_osmium_finds_the_same_elements(some: list[Element], encoding: str, random: Random) -> None:
    content = "".join(to_xml(e, random) + random.choice(JUNK) for e in some)
    root = tag("osm", random.choice(ROOT), random, random.choice(BEFORE) + content + random.choice(AFTER))
    declaration = f"<?xml version='1.0' encoding='{encoding.removesuffix('-sig')}'?>\n"
    document = (declaration + root).encode(encoding, "xmlcharrefreplace")
    found = read(document)
    assert found == list(pyosmium_elements(document))
    assert [(e.type, e.id) for e in found] == [(e.type, e.id) for e in some]


def test_osmium_finds_the_longest_strings_it_takes() -> None:
    key, value = LONGEST
    document = f"<osm version='0.6'><node id='1' user='{value}'><tag k='{key}' v='{value}'/></node></osm>".encode()
    found = read(document)
    assert found == list(pyosmium_elements(document))
    assert found[0].tags == [LONGEST]


WAY = "<way id='8' version='2'>{}</way>"
RELATION = "<relation id='9' version='2'>{}</relation>"


@pytest.mark.parametrize(
    ("content", "plain"),
    [
        pytest.param(
            RELATION.format("<member type='way' ref='8' role='x'><nd lat='1' lon='2'/><nd lat='3' lon='4'/></member>"),
            RELATION.format("<member type='way' ref='8' role='x'/>"),
            id="out geom",
        ),
        pytest.param(
            WAY.format("<center lat='1' lon='2'/><nd ref='1'/>"), WAY.format("<nd ref='1'/>"), id="out center"
        ),
        pytest.param(f"<count><tag k='ways' v='1'/></count>{WAY}", WAY, id="out count"),
        pytest.param(f"<area id='3600000009'><tag k='a' v='b'/></area>{WAY}", WAY, id="is_in"),
        pytest.param(f"<action type='create'>{WAY}</action>", WAY, id="adiff"),
        pytest.param(
            WAY.format("<nd ref='1'/><tag k='a' v='b'/><nd ref='2'/><tag k='c' v='d'/>"),
            WAY.format("<nd ref='1'/><nd ref='2'/><tag k='a' v='b'/><tag k='c' v='d'/>"),
            id="parts in turn",
        ),
        pytest.param(
            RELATION.format("<member type='way' ref='8'/><tag k='a' v='b'/><member type='node' ref='1'/>"),
            RELATION.format("<member type='way' ref='8'/><member type='node' ref='1'/><tag k='a' v='b'/>"),
            id="members in turn",
        ),
    ],
)
def test_documents_that_osmium_does_not_read_whole(content: str, plain: str) -> None:
    """What Overpass answers, and hand-made data: our scanner finds in it what osmium finds in its plain form."""
    expected = list(pyosmium_elements(f"<osm version='0.6'>{plain}</osm>".encode()))
    assert len(expected) == 1
    assert read(f"<osm version='0.6'>{content}</osm>".encode()) == expected
