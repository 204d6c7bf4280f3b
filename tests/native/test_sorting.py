"""Piles (sorting in bounded memory), the location table, and the numbers of bodies."""

from __future__ import annotations

from pathlib import Path

import pytest
from core_internals import internals
from hypothesis import example, given, settings
from hypothesis import strategies as st

SLOW = settings(max_examples=60, deadline=None)

Record = tuple[int, bytes]


def sorted_by_pile(folder: Path, arena_len: int, records: list[Record]) -> list[Record]:
    module = internals()
    lib, ffi = module.lib, module.ffi
    pile = ffi.gc(lib.pile_new(str(folder).encode(), arena_len), lib.pile_free)
    for key, data in records:
        assert lib.pile_add(pile, key, data, len(data)) == 0
    assert lib.pile_finish(pile) == 0
    key, data, length = ffi.new("uint64_t *"), ffi.new("uint8_t **"), ffi.new("size_t *")
    found = []
    while (there := lib.pile_next(pile, key, data, length)) == 1:
        found.append((key[0], bytes(ffi.buffer(data[0], length[0]))))
    assert there == 0
    return found


RECORDS = st.lists(
    st.tuples(st.integers(0, 2**64 - 1) | st.integers(0, 5).map(lambda k: k << 20), st.binary(max_size=40))
)


@given(RECORDS, st.sampled_from([1, 100, 1000, 1 << 20]))
@SLOW
def test_a_pile_sorts_by_the_upper_bits_and_keeps_the_order_of_equals(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], arena_len: int
) -> None:
    found = sorted_by_pile(tmp_path_factory.mktemp("pile"), arena_len, records)
    assert found == sorted(records, key=lambda record: record[0] >> 20)


def test_many_runs(tmp_path: Path) -> None:
    records = [((i * 2654435761 % 2**44) << 20, b"%d" % i * (i % 5)) for i in range(3000)]
    assert sorted_by_pile(tmp_path, 3000, records) == sorted(records, key=lambda record: record[0])
    assert list(tmp_path.iterdir()) == []


def test_records_larger_than_an_arena_and_than_the_write_buffer(tmp_path: Path) -> None:
    records = [
        (k << 20, bytes([k]) * size) for k, size in [(9, 3_000_000), (2, 10), (5, 1_100_000), (2, 0), (1, 2_000_000)]
    ]
    assert sorted_by_pile(tmp_path, 1000, records) == sorted(records, key=lambda record: record[0])


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    module = internals()
    pile = module.lib.pile_new(str(tmp_path / "no").encode(), 10)
    try:
        codes = [module.lib.pile_add(pile, i, b"x" * 20, 20) for i in range(3)]
        assert codes[0] == 0
        assert min(codes) < 0
    finally:
        module.lib.pile_free(pile)


@given(st.sets(st.integers(1, 200) | st.integers(1, 2**63 - 1)), st.lists(st.integers(0, 2**63 - 1)))
@example(set(range(1, 5000)), [0, 1, 4999, 5000])
@example({1, 2**63 - 1}, [2, 2**62])
@SLOW
def test_locations_are_found_by_id(ids: set[int], others: list[int]) -> None:
    module = internals()
    lib = module.lib
    table = module.ffi.gc(lib.new_locations(), lib.free_locations)
    order = sorted(ids)
    for element_id in order:
        assert lib.locations_add(table, element_id, element_id % 1000, 0) == 0
    assert lib.locations_seal(table) == 0
    for row, element_id in enumerate(order):
        assert lib.locations_find(table, element_id) == row
        assert lib.lat_of(table, row) == element_id % 1000
    for element_id in [*others, *(i + 1 for i in order[:50]), 0, 2**63]:
        wanted = order.index(element_id) if element_id in ids else -1
        assert lib.locations_find(table, element_id) == wanted


@given(st.integers(0, 2**64 - 1) | st.integers(0, 63).map(lambda bit: 1 << bit))
def test_varints(number: int) -> None:
    module = internals()
    out, back, length = module.ffi.new("uint8_t[10]"), module.ffi.new("uint64_t *"), module.ffi.new("size_t *")
    assert module.lib.varint_round_trip(number, out, 10, back, length) == out + length[0]
    assert back[0] == number
    assert length[0] == max(1, -(-number.bit_length() // 7))
    if length[0] > 1:
        assert module.lib.varint_round_trip(number, out, length[0] - 1, back, length) == module.ffi.NULL


@given(st.integers(-(2**63), 2**63 - 1))
def test_zigzag(number: int) -> None:
    assert internals().lib.zigzag_round_trip(number) == number
