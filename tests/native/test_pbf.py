"""native/pbf.c and pbf_header.c on messages made by hand, sound and damaged ones."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pbf_encoding import Strings as StringTable
from pbf_encoding import block, data, deltas, dense, header, number, packed, zigzag

from osm3s.errors import InputError
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.batch import Batch, Element
from osm3s.update.read_pbf import PbfHeader, decompress

NODE = Element("node", 1, (0, 0), 0, 0, 0, 0, "", False, [], [], [])
FULL = Element("node", 7, (520000001, -130000002), 3, 1600000000, 99, 12, "Jörg", True, [("amenity", "café")], [], [])
WAY = Element("way", 8, None, 2, 5, 6, 7, "b", False, [("highway", "path")], [1, 2, 2**40, 1], [])
RELATION = Element(
    "relation", 9, None, 1, 1, 1, 1, "b", False, [("type", "route")], [], [("way", 8, "outer"), ("node", 7, "")]
)


def decode(message: bytes, into: Batch | None = None) -> list[Element]:
    batch = Batch() if into is None else into
    check(lib.osm3s_pbf_decode_block(message, len(message), batch.c))
    return list(batch.elements())


@pytest.mark.parametrize("use_dense", [True, False])
def test_every_field_of_every_type(use_dense: bool) -> None:
    elements = [NODE, FULL, WAY, RELATION]
    assert decode(block(elements, use_dense)) == elements


def test_blocks_follow_each_other_in_a_batch() -> None:
    batch = Batch()
    decode(block([FULL, WAY]), batch)
    assert decode(block([RELATION, FULL._replace(user="other")]), batch) == [
        FULL,
        WAY,
        RELATION,
        FULL._replace(user="other"),
    ]


def nodes_at(lat: int, lon: int, *, granularity: int = 100, lat_offset: int = 0, lon_offset: int = 0) -> bytes:
    group = packed(1, [zigzag(1)]) + packed(8, [zigzag(lat)]) + packed(9, [zigzag(lon)])
    fields = number(17, granularity) + number(19, lat_offset) + number(20, lon_offset)
    return StringTable().table() + data(2, data(2, group)) + fields


@pytest.mark.parametrize(
    ("message", "position"),
    [
        (nodes_at(900000000, -1800000000), (900000000, -1800000000)),
        (nodes_at(52, -13, granularity=1000), (520, -130)),
        (nodes_at(149, -149, granularity=1), (1, -1)),
        (nodes_at(150, -150, granularity=1), (2, -2)),
        (nodes_at(1, 1, granularity=50, lat_offset=1000, lon_offset=-1000), (11, -10)),
        (nodes_at(900000001, 0), None),
        (nodes_at(0, -1800000001), None),
        (nodes_at(2**62, 0, granularity=2**31 - 1), None),
        (nodes_at(1, 1, lat_offset=2**63 - 1), None),
        (nodes_at(2**31 - 1, 2**31 - 1), None),
    ],
)
def test_coordinates_are_exact_and_in_range(message: bytes, position: tuple[int, int] | None) -> None:
    assert decode(message)[0].position == position


def test_times_in_other_granularity_become_seconds() -> None:
    message = block([FULL._replace(timestamp=1600000000_500)]) + number(18, 1)
    assert decode(message)[0].timestamp == 1600000000


def test_minus_one_means_not_known() -> None:
    group = number(1, zigzag(1)) + data(4, number(1, -1) + number(2, -1) + number(3, -1) + number(4, -1))
    assert decode(data(2, data(1, group)))[0] == NODE


def test_missing_metadata_and_tags_are_empty() -> None:
    group = packed(1, deltas([5, 6])) + packed(8, deltas([1, 2])) + packed(9, deltas([3, 4]))
    assert decode(data(2, data(2, group))) == [
        NODE._replace(id=5, position=(1, 3)),
        NODE._replace(id=6, position=(2, 4)),
    ]


def test_locations_on_ways_and_unknown_fields_are_passed_over() -> None:
    strings = StringTable()
    way = number(1, 8) + packed(8, deltas([1, 2])) + packed(9, deltas([10, 20])) + packed(10, deltas([30, 40]))
    unknown = number(99, 5) + data(98, b"xyz") + b"\x99\x06" + bytes(8) + b"\x9d\x06" + bytes(4)
    message = unknown + data(2, data(3, way + unknown) + data(5, number(1, 1)) + unknown) + strings.table()
    assert [(e.id, e.refs) for e in decode(message)] == [(8, [1, 2])]


def test_string_table_may_stand_behind_the_groups() -> None:
    strings = StringTable()
    group = data(2, dense([FULL], strings))
    assert decode(group + strings.table()) == [FULL]


STRINGS = StringTable().table()
TWO_NODES = packed(1, deltas([1, 2])) + packed(8, deltas([1, 2])) + packed(9, deltas([1, 2]))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (b"\x0a\x7f", "longer than what contains it"),
        (b"\x0b", "unknown type"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "no number"),
        (number(1, 5), "another type"),
        (STRINGS + data(2, number(2, 5)), "another type"),
        (STRINGS + data(2, data(2, number(1, 5))), "another type"),
        (STRINGS + data(2, data(2, packed(1, [2, 2]) + packed(8, [2, 2]))), "differ in number"),
        (STRINGS + data(2, data(2, packed(1, [2]) + packed(8, [2, 2]) + packed(9, [2]))), "differ in number"),
        (STRINGS + data(2, data(2, packed(1, [2]) + data(8, b"\x80") + packed(9, [2]))), "differ in number"),
        (STRINGS + data(2, data(2, TWO_NODES + packed(1, [2]))), "twice"),
        (STRINGS + data(2, data(2, TWO_NODES + data(5, packed(1, [1])))), "differ from them in number"),
        (STRINGS + data(2, data(2, TWO_NODES + data(5, packed(5, [0, 2])))), "unknown string"),
        (STRINGS + data(2, data(2, TWO_NODES + packed(10, [1, 1, 0, 0]))), "string number"),
        (STRINGS + data(2, data(2, TWO_NODES + packed(10, [0]))), "cut off"),
        (STRINGS + data(2, data(2, TWO_NODES + packed(10, [0, 0, 0]))), "more tags"),
        (STRINGS + data(2, data(2, packed(1, [0]) + packed(8, [2]) + packed(9, [2]))), "ids must be positive"),
        (STRINGS + data(2, data(3, number(1, -5))), "way -5: ids must be positive"),
        (STRINGS + data(2, data(3, number(1, 5) + packed(2, [1]) + packed(3, [1]))), "string number"),
        (STRINGS + data(2, data(3, number(1, 5) + packed(2, [0]))), "string number"),
        (STRINGS + data(2, data(3, number(1, 5) + packed(3, [0]))), "differ in number"),
        (STRINGS + data(2, data(3, number(1, 5) + data(4, number(5, 9)))), "user name"),
        (STRINGS + data(2, data(4, number(1, 5) + packed(9, [2]))), "role"),
        (STRINGS + data(2, data(4, number(1, 5) + packed(8, [0]) + packed(9, [2]) + packed(10, [3]))), "neither node"),
        (STRINGS + data(2, data(4, number(1, 5) + packed(8, [0]))), "differ in number"),
    ],
)
def test_damage_is_named_and_leaves_the_batch_as_it_was(message: bytes, text: str) -> None:
    batch = Batch()
    before = decode(block([FULL, WAY, RELATION]), batch)
    with pytest.raises(InputError, match=text):
        decode(message, batch)
    assert list(batch.elements()) == before
    assert decode(block([WAY]), batch) == [*before, WAY]


def test_header_states_what_the_file_is() -> None:
    box = number(1, zigzag(9_000_000_050)) + number(2, zigzag(-9_000_000_050))
    box += number(3, zigzag(91_000_000_000)) + number(4, zigzag(-(2**63)))
    more = data(1, box) + data(16, b"writer") + number(32, 1619036506) + number(33, 2947) + data(34, b"http://x")
    found = PbfHeader.parse(header(["OsmSchema-V0.6", "DenseNodes", "HistoricalInformation"], more))
    assert found == PbfHeader(
        True, (-900000000, 90000001, 900000000, -90000001), 1619036506, 2947, "http://x", "writer"
    )
    assert PbfHeader.parse(header()) == PbfHeader(False, None, None, None, "", "")


def test_unknown_required_feature_is_named() -> None:
    with pytest.raises(InputError, match='requires the feature "TimeTravel"'):
        PbfHeader.parse(header(["OsmSchema-V0.6", "TimeTravel"]))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (number(2, 5) + data(3, zlib.compress(b"12345")[:-1]), "5 bytes"),
        (number(2, 5) + data(3, zlib.compress(b"1234")), "5 bytes"),
        (number(2, 5) + data(3, zlib.compress(b"123456")), "5 bytes"),
        (number(2, 5) + data(3, b"garbage"), "damaged zlib"),
        (number(2, 5) + data(7, b"garbage"), "damaged zstd|5 bytes"),
        (data(3, zlib.compress(b"12345")), "does not state its size"),
        (number(2, 2**25 + 1) + data(3, b""), "32 MiB"),
        (number(2, 5) + data(4, b"x"), "lzma"),
        (number(2, 5) + data(6, b"x"), "lz4"),
        (number(2, 5), "without content"),
    ],
)
def test_damaged_blob(message: bytes, text: str) -> None:
    with pytest.raises(InputError, match=text):
        decompress(message)


def test_blob_contents() -> None:
    import zstandard

    assert decompress(data(1, b"12345")) == b"12345"
    assert decompress(number(2, 5) + data(3, zlib.compress(b"12345"))) == b"12345"
    assert decompress(number(2, 5) + data(7, zstandard.compress(b"12345"))) == b"12345"
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(b"12345")
    assert decompress(number(2, 5) + data(7, unsized)) == b"12345"


@pytest.mark.parametrize("message", [b"", data(1, b"OSMData"), number(3, 5), data(1, b"OSMData") + number(3, 2**26)])
def test_damaged_blob_header(message: bytes) -> None:
    with pytest.raises(InputError):
        check(lib.osm3s_pbf_blob_header(message, len(message), ffi.new("int *"), ffi.new("uint32_t *")))


def with_text(text: bytes) -> bytes:
    """A block with a node whose tag has this value."""
    table = data(1, b"".join(data(1, string) for string in (b"", b"name", text)))
    return table + data(2, data(1, number(1, zigzag(1)) + packed(2, [1]) + packed(3, [2])))


NO_TEXTS = [
    b"caf\xe9",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"12345678\x80",
    b"1234567\xe2\x82",
    b"\xff" * 99,
]


@pytest.mark.parametrize("text", NO_TEXTS)
def test_what_is_not_utf8_is_refused(text: bytes) -> None:
    """As in XML: else an answer would be neither XML nor JSON."""
    with pytest.raises(InputError, match="a text that is not UTF-8"):
        decode(with_text(text))


def test_it_says_which_text_is_not_utf8() -> None:
    with pytest.raises(InputError, match=r'a text that is not UTF-8 from byte 3 on: "caf\\xe9"$'):
        decode(with_text(b"caf\xe9"))


@given(
    st.binary(max_size=20) | st.lists(st.sampled_from([*NO_TEXTS, "日本é€🎉".encode(), b"plain text"])).map(b"".join)
)
def test_utf8_is_what_python_takes_for_it(text: bytes) -> None:
    try:
        text.decode()
    except UnicodeDecodeError:
        with pytest.raises(InputError):
            decode(with_text(text))
    else:
        assert decode(with_text(text))[0].tags == [("name", text.decode())]
