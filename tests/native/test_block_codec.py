"""Blocks: what goes in comes out, through the core and through the decoder written from native/FORMAT.md."""

from __future__ import annotations

from pathlib import Path
from struct import unpack_from

import pytest
from block_making import NODES, RELATIONS, TAGGED_NODES, WAYS, Blocks, build, check_bytes, dump, elements_of, expected
from format_decoder import NO_COORD, Decoded, Meta, checksum, decode_block, order_key, order_key_of_box
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osm3s.errors import InputError
from osm3s.ffi import lib
from osm3s.storage import block_files

FAMILIES = st.integers(0, 3)
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@given(FAMILIES.flatmap(lambda family: st.tuples(st.just(family), elements_of(family))))
@SLOW
def test_what_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, world: tuple[int, list[Decoded]]) -> None:
    family, elements = world
    made = build(family, elements)
    wanted = [expected(family, e) for e in sorted(elements, key=lambda e: e.id)]
    assert decode_block(made.head, made.body, made.meta) == (family, wanted)
    assert check_bytes(made) == 0
    blocks = Blocks(tmp_path_factory.mktemp("blocks"))
    blocks.add(family, made)
    assert dump(blocks.open(), 0, family) == wanted


@given(FAMILIES.flatmap(lambda family: st.tuples(st.just(family), elements_of(family), elements_of(family), st.data())))
@SLOW
def test_deltas_replace_what_is_dead(
    tmp_path_factory: pytest.TempPathFactory, world: tuple[int, list[Decoded], list[Decoded], st.DataObject]
) -> None:
    family, base, delta, data = world
    base.sort(key=lambda e: e.id)
    dead = data.draw(st.sets(st.integers(0, len(base) - 1))) if base else set()
    dead |= {slot for slot, e in enumerate(base) if e.id in {d.id for d in delta}}
    blocks = Blocks(tmp_path_factory.mktemp("blocks"))
    blocks.add(family, build(family, base), build(family, delta), data.draw(st.permutations(sorted(dead))))
    live = [e for slot, e in enumerate(base) if slot not in dead] + sorted(delta, key=lambda e: e.id)
    assert dump(blocks.open(), 0, family) == [expected(family, e) for e in live]


@pytest.mark.parametrize("width", range(9))
def test_every_width_of_a_column(width: int) -> None:
    step = (1 << (8 * width - 1)) - 1 if width == 8 else (1 << 8 * width) - 1 if width else 0
    ids = sorted({5, 5 + step})
    if width == 8:
        ids = [1, 2**63 - 1]
    made = build(NODES, [Decoded(i, position=(7, 7)) for i in ids])
    _, _, stored = unpack_from("<QII", made.head, 40)
    assert stored == width
    assert [e.id for e in decode_block(made.head, made.body, made.meta)[1]] == ids
    assert check_bytes(made) == 0


def test_a_block_of_everything_large() -> None:
    tags = tuple((b"k%d" % (i % 7), b"v" * i) for i in range(300))
    nodes = tuple((i * (-1) ** i << 40, i * 1000, -i * 1000) for i in range(2000))
    members = tuple((i % 3, -(i**3), b"role %d" % (i % 40)) for i in range(2000))
    way = Decoded(1, tags=tags, nodes=nodes, meta=Meta(2**32 - 1, 2**32 - 1, 2**32 - 1, -(2**31)))
    relation = Decoded(2, tags=tags, box=(1, 2, 3, 4), quad=2**32 - 1, members=members)
    for family, e in ((WAYS, way), (RELATIONS, relation)):
        made = build(family, [e])
        assert decode_block(made.head, made.body, made.meta) == (family, [expected(family, e)])
        assert check_bytes(made) == 0


def test_a_builder_keeps_nothing_of_the_block_before() -> None:
    builder = lib.osm3s_block_builder_new()
    try:
        large = [Decoded(i, position=(i, i), tags=((b"k%d" % i, b"v"),), meta=Meta(1, i, i, i)) for i in range(1, 500)]
        small = [Decoded(3, position=(1, 1), tags=((b"k3", b"v"), (b"z", b"")))]
        build(TAGGED_NODES, large, builder)
        build(RELATIONS, [Decoded(1, members=((0, 1, b"r"),))], builder)
        assert build(TAGGED_NODES, small, builder) == build(TAGGED_NODES, small)
    finally:
        lib.osm3s_block_builder_free(builder)


def test_more_elements_or_tags_than_fit_are_refused() -> None:
    with pytest.raises(InputError, match="65535 elements"):
        build(NODES, (Decoded(i + 1, position=(0, 0)) for i in range(65536)))
    tags = tuple((b"%d" % i, b"") for i in range(65536))
    with pytest.raises(InputError, match="65535 different tags"):
        build(TAGGED_NODES, [Decoded(1, position=(0, 0), tags=tags)])


def test_a_full_block_of_equal_and_of_different_metadata() -> None:
    nodes = [Decoded(i + 1, position=(i, -i), meta=Meta(1, i % 20000, i, i % 3)) for i in range(30000)]
    made = build(NODES, nodes)
    assert decode_block(made.head, made.body, made.meta)[1] == nodes
    assert made.newest == 19999


@given(st.binary(max_size=300))
def test_checksum(data: bytes) -> None:
    assert block_files.checksum(data) == checksum(data)
    for bit in range(0, 8 * len(data), 61):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert block_files.checksum(bytes(changed)) != checksum(data)


@given(st.integers(-900_000_000, 900_000_000), st.integers(-1_800_000_000, 1_800_000_000))
def test_order_keys_are_those_of_the_core(lat: int, lon: int) -> None:
    assert order_key(lat, lon) == lib.osm3s_morton_of_position(lat, lon) & ~0xFFFFF
    assert order_key_of_box((lat, lon, lat, lon)) == (lib.osm3s_morton_of_position(lat, lon) >> 2) & ~0xFFFFF
    assert order_key(NO_COORD, 0) == order_key_of_box(None)


def test_a_missing_block_file_is_an_error_and_no_crash(tmp_path: Path) -> None:
    blocks = Blocks(tmp_path)
    blocks.add(NODES, build(NODES, [Decoded(1, position=(0, 0))]))
    blocks.files[NODES] = bytearray()
    snapshot = blocks.open()
    assert lib.osm3s_snapshot_check_block(snapshot, 0) == lib.OSM3S_CORRUPT
    assert lib.osm3s_snapshot_check_block(snapshot, 1) == lib.OSM3S_CORRUPT
