"""Printed elements against the slow writer: every mode, every geometry, random maps, missing members, clip boxes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from map_blocks import Blocks, ElementSet, Map, Meta, Node, Relation, Way
from slow_writer import Box, SlowWriter

from osm3s.ffi import check, ffi, lib
from osm3s.ffi.out import RowPrinter, Rows, Users
from osm3s.ffi.sink import Sink

USERS = {-3: "minus", 0: "", 7: "Jörg \"<&>'\\ \t", 2**31 - 1: "x" * 300}
MODES = ("ids_only", "skeleton", "tags", "body", "meta")
GEOMETRIES = ("skeleton", "full", "bounds", "center")
SPECIALS = ["id", "type", "otype", "lat", "lon", "version", "timestamp", "changeset", "uid", "user", "nonsense"]
FIELDS = [
    *((name, True) for name in SPECIALS),
    ("name", False),
    ("a,b", False),
]


def printed(
    blocks: Blocks,
    elements: ElementSet,
    format_: str,
    mode: str,
    geometry: str,
    ids: bool,
    clip: Box | None,
    stored_bounds: bool = False,
) -> str:
    members = None if stored_bounds else blocks.members_of(elements.ids(2))
    degrees = None if clip is None else tuple(side / 1e7 for side in clip)
    printer = RowPrinter(
        format_,
        mode=mode,
        geometry=geometry,
        ids=ids,
        clip=degrees,  # type: ignore[arg-type]
        users=Users.of(USERS),
        members=members,
        fields=FIELDS,
        separator="|",
    )
    sink = Sink()
    for type_ in range(3):
        printer.print(Rows(blocks, elements, type_), sink)
    return sink.data().decode()


def expected(
    content: Map, elements: ElementSet, format_: str, mode: str, geometry: str, ids: bool, clip: Box | None
) -> str:
    writer = SlowWriter(content, mode, geometry, ids, clip, USERS)
    by_type = (content.nodes, content.ways, content.relations)
    all_ = [by_type[type_][id_] for type_ in range(3) for id_ in elements.ids(type_)]
    if format_ == "json":
        return ",\n".join(map(writer.json, all_))
    if format_ == "csv":
        return "".join(writer.csv(e, FIELDS, "|") for e in all_)
    return "".join(map(writer.xml, all_))


def check_all(content: Map, directory: Path, clip: Box | None = None, per_block: int = 1000) -> None:
    blocks = Blocks(content, directory, per_block)
    elements = blocks.elements(nodes=content.nodes, ways=content.ways, relations=content.relations)
    for format_, mode, geometry, ids in itertools.product(("xml", "json", "csv"), MODES, GEOMETRIES, (True, False)):
        options = (format_, mode, geometry, ids, clip)
        answer = expected(content, elements, *options)
        assert printed(blocks, elements, *options) == answer, options
        if geometry in ("bounds", "center") and clip is None and bounds_are_stored(blocks, elements):
            assert printed(blocks, elements, *options, stored_bounds=True) == answer, options


def bounds_are_stored(blocks: Blocks, elements: ElementSet) -> bool:
    stored = ffi.new("int *")
    check(lib.osm3s_bounds_are_stored(blocks.handle, ffi.addressof(elements.handle.of, 2), stored))
    return bool(stored[0])


HAND_MADE = [
    Node(1, 510000000, 70000000, meta=Meta(1, 1577836800, 10, 7)),
    Node(2, 510000000, 70100000, meta=Meta(2, 1577836801, 11, 0)),
    Node(3, 510100000, 70100000, meta=Meta(3, 0, 0, 99)),
    Node(
        4,
        -510100001,
        -70000009,
        {"name": 'A"b', "a,b": 'say "x"\n', "ctl": "\x01\t\r\n<&>"},
        Meta(4, 4294967295, 2**32 - 1, -3),
    ),
    Node(2**40, 900000000, -1800000000, {"name": "pole"}, Meta(2**32 - 1, 951782400, 5, 2**31 - 1)),
    Way(10, [1, 2, 3, 77, 1], {"name": "a way of some length, longer than eight bytes"}, Meta(1, 1, 1, 1)),
    Way(11, [2**40]),
    Way(12, []),
    Way(13, [77, 78], {"z": "", "": "empty key"}),
    Relation(
        20, [("way", 10, "outer"), ("node", 4, 'ro"le'), ("relation", 20, ""), ("node", 77, ""), ("way", 99, "x")]
    ),
    Relation(21, [], {"type": "empty"}),
    Relation(22, [("way", 12, ""), ("way", 13, ""), ("way", 11, "")], {"k": "v"}),
]


def test_hand_made_map(tmp_path: Path) -> None:
    check_all(Map(HAND_MADE), tmp_path)


@pytest.mark.parametrize("per_block", [1, 2])
def test_elements_of_many_blocks(tmp_path: Path, per_block: int) -> None:
    check_all(Map(HAND_MADE), tmp_path, per_block=per_block)


@pytest.mark.parametrize(
    "clip",
    [
        (509000000, 69000000, 510050000, 70050000),
        (510050000, 70000000, 510060000, 70050000),  # only the inside of a segment
        (0, 0, 10000000, 10000000),
        (-900000000, 1700000000, 900000000, -1700000000),  # across the antimeridian
    ],
)
def test_clipped_hand_made_map(tmp_path: Path, clip: Box) -> None:
    check_all(Map(HAND_MADE), tmp_path, clip)


def test_antimeridian(tmp_path: Path) -> None:
    positions = [(-10, 1790000000), (10, -1790000000), (20, 1700000000), (0, 5), (5, -900000000)]
    elements: list[Node | Way | Relation] = [Node(i, *p) for i, p in enumerate(positions)]
    elements += [
        Way(1, [0, 1]),
        Way(2, [0, 1, 2]),
        Way(3, [1, 3]),
        Way(4, [0, 1, 3, 4]),
        Relation(1, [("way", 1, "")]),
        Relation(2, [("node", 0, ""), ("node", 1, "")]),
        Relation(3, [("node", 0, ""), ("node", 1, ""), ("node", 4, "")]),
    ]
    for clip in (None, (-100, 1795000000, 100, -1795000000), (-100, 1700000001, 100, 1795000000)):
        check_all(Map(elements), tmp_path, clip)


def test_tags_of_a_block_used_often(tmp_path: Path) -> None:
    """Rendered tags are kept from the fifth element of a block on."""
    tags = [{"highway": "residential", "name": f"Street {i % 7} & <co>"} for i in range(50)]
    content = Map(
        [Node(i + 1, i, -i, t) for i, t in enumerate(tags)] + [Way(i + 1, [1, 2], t) for i, t in enumerate(tags)]
    )
    blocks = Blocks(content, tmp_path, 25)
    elements = blocks.elements(nodes=content.nodes, ways=content.ways)
    for format_ in ("xml", "json", "csv"):
        options = (format_, "body", "skeleton", True, None)
        assert printed(blocks, elements, *options) == expected(content, elements, *options)


# --- random maps ---

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=20)
TAGS = st.dictionaries(st.sampled_from(["name", "a,b", "k"]) | TEXT, TEXT, max_size=4)
LAT = st.integers(-900_000_000, 900_000_000)
LON = st.integers(-1_800_000_000, 1_800_000_000)
NEAR = st.integers(-60, 60)
METAS = st.builds(
    Meta,
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.sampled_from([*USERS, 12]),
)


@st.composite
def maps(draw: st.DrawFn, lat: st.SearchStrategy[int], lon: st.SearchStrategy[int]) -> Map:
    ids = st.integers(1, 12)
    with_meta = draw(st.booleans())
    meta = METAS if with_meta else st.none()
    elements: list[Node | Way | Relation] = []
    for id_ in draw(st.sets(ids)):
        elements.append(Node(id_, draw(lat), draw(lon), draw(TAGS), draw(meta)))
    for id_ in draw(st.sets(ids, max_size=4)):
        elements.append(Way(id_, draw(st.lists(ids, max_size=7)), draw(TAGS), draw(meta)))
    members = st.tuples(st.sampled_from(["node", "way", "relation"]), ids, TEXT)
    for id_ in draw(st.sets(ids, max_size=3)):
        elements.append(Relation(id_, draw(st.lists(members, max_size=5)), draw(TAGS), draw(meta)))
    return Map(elements)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with TemporaryDirectory() as directory:
        yield Path(directory)


RANDOM = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@RANDOM
@given(content=maps(LAT, st.integers(-400_000_000, 400_000_000)), per_block=st.integers(1, 5))
def test_random_maps(scratch: Path, content: Map, per_block: int) -> None:
    check_all(content, scratch, per_block=per_block)


@RANDOM
@given(content=maps(NEAR, NEAR), sides=st.tuples(NEAR, NEAR, NEAR, NEAR))
def test_random_maps_clipped(scratch: Path, content: Map, sides: tuple[int, int, int, int]) -> None:
    south, west, north, east = sides
    check_all(content, scratch, (min(south, north), min(west, east), max(south, north), max(west, east)))


@RANDOM
@given(content=maps(LAT, LON), sides=st.tuples(LAT, LON, LAT, LON))
def test_random_ways_clipped_around_the_globe(scratch: Path, content: Map, sides: tuple[int, int, int, int]) -> None:
    south, west, north, east = sides
    without_relations = Map([*content.nodes.values(), *content.ways.values()])
    check_all(without_relations, scratch, (min(south, north), west, max(south, north), east))
