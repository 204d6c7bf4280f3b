"""Pages of the id map, of links and of the tag directory, against dicts and the decoders written from FORMAT.md."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from format_decoder import decode_id_page, decode_link_page, encode_tag_page
from hypothesis import given, settings
from hypothesis import strategies as st

from osm3s.errors import CorruptError
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.regex import Regex

UNRESOLVED = 0xFFFFFFFF
PAGE = 4096
SLOW = settings(deadline=None, max_examples=60)

# --- id map ---------------------------------------------------------------------------------------------------------


def update_ids(page: bytes, changes: dict[int, int], number: int = 5) -> bytes:
    out, length = ffi.new("uint8_t[65536]"), ffi.new("size_t *")
    ids = [number * PAGE + i for i in sorted(changes)]
    blocks = [changes[i] for i in sorted(changes)]
    check(lib.osm3s_id_page_update(page, len(page), ids, blocks, len(ids), out, 65536, length))
    return bytes(ffi.buffer(out, length[0]))


def look_up(page: bytes, number: int = 5) -> dict[int, int]:
    ids, blocks = ffi.new("uint64_t[]", [number * PAGE + i for i in range(PAGE)]), ffi.new("uint32_t[4096]")
    check(lib.osm3s_id_page_lookup(page, len(page), number, ids, PAGE, blocks))
    return {i: block for i, block in enumerate(blocks) if block != UNRESOLVED}


BLOCKS = st.integers(0, 3) | st.integers(0, 2**32 - 2)
CHANGES = st.dictionaries(st.integers(0, PAGE - 1), BLOCKS | st.just(UNRESOLVED), max_size=60)


@given(st.lists(CHANGES, max_size=5))
@SLOW
def test_id_pages_are_dicts(steps: list[dict[int, int]]) -> None:
    wanted: dict[int, int] = {}
    page = b""
    for changes in steps:
        wanted = {i: block for i, block in (wanted | changes).items() if block != UNRESOLVED}
        page = update_ids(page, changes)
        assert bool(page) == bool(wanted)
        if page:
            assert look_up(page) == wanted == decode_id_page(page)


@pytest.mark.parametrize("n_blocks", [1, 2, 3, 4, 255, 256, 1000, 4095, 4096])
@pytest.mark.parametrize("n", [1, 300, 2000, 4095, 4096])
def test_dense_and_sparse_id_pages(n: int, n_blocks: int) -> None:
    random = Random(n * n_blocks)
    wanted = {i: random.randrange(n_blocks) * 1000 for i in random.sample(range(PAGE), n)}
    page = update_ids(b"", wanted)
    assert look_up(page) == wanted == decode_id_page(page)
    assert update_ids(page, dict.fromkeys(wanted, UNRESOLVED)) == b""


def test_a_damaged_id_page_is_refused() -> None:
    page = update_ids(b"", {i: i % 3 for i in range(PAGE)})
    kind = 4 + 3 * 4  # behind the number of blocks and their ids
    assert page[kind : kind + 2] == bytes((0, 2)), "dense, two bits for an id"
    for damaged in (
        page[:kind] + b"\2" + page[kind + 1 :],
        page[: kind + 1] + bytes((14,)) + page[kind + 2 :],
        page[:-9],
    ):
        with pytest.raises(CorruptError):
            look_up(damaged)


# --- links ----------------------------------------------------------------------------------------------------------


def update_links(page: bytes, changes: list[tuple[int, int, bool]]) -> bytes:
    out, length = ffi.new("uint8_t **"), ffi.new("size_t *")
    members, owners, added = ([change[i] for change in changes] for i in range(3))
    check(lib.osm3s_link_page_update(page, len(page), members, owners, added, len(changes), out, length))
    result = bytes(ffi.buffer(out[0], length[0])) if length[0] else b""
    lib.osm3s_free(out[0])
    return result


LINK = st.tuples(st.integers(0, 6) | st.integers(0, 2**64 - 1), st.integers(0, 4) | st.integers(0, 2**63))


@given(st.lists(st.lists(st.tuples(LINK, st.booleans()), max_size=20), max_size=4), st.sets(st.integers(0, 8)))
@SLOW
def test_link_pages_are_sets_of_pairs(steps: list[list[tuple[tuple[int, int], bool]]], asked: set[int]) -> None:
    wanted: set[tuple[int, int]] = set()
    page = b""
    for changes in steps:
        for link, added in changes:
            wanted = wanted | {link} if added else wanted - {link}
        page = update_links(page, [(*link, added) for link, added in changes])
        assert bool(page) == bool(wanted)
        if not page:
            continue
        assert decode_link_page(page) == sorted(wanted)
        last = ffi.new("uint64_t *")
        check(lib.osm3s_link_page_last(page, len(page), last))
        assert last[0] == max(wanted)[0]
        assert owners_of(page, sorted(asked)) == (
            sorted(owner for member, owner in wanted if member in asked),
            sum(member <= last[0] for member in asked),
        )


def owners_of(page: bytes, members: list[int]) -> tuple[list[int], int]:
    """Owners with multiplicity, and how many of the members the page covers."""
    sets = [ffi.gc(lib.osm3s_set_new(), lib.osm3s_set_free) for _ in range(2)]
    rows, owners = (ffi.addressof(one.of, 0) for one in sets)
    for member in members:
        check(lib.osm3s_rows_push(rows, member, UNRESOLVED, 0, 0, 0))
    position = ffi.new("size_t *")
    check(lib.osm3s_link_page_owners(page, len(page), rows, position, owners))
    return sorted(owners.rows[i].id for i in range(owners.n)), position[0]


# --- tag directory --------------------------------------------------------------------------------------------------

NAMES = st.sampled_from([b"a\0", b"a\1", b"a\1x", b"a\1xy", b"ab\0", b"\0", "é\1é".encode(), b"k\1" + b"v" * 300])
LISTS = st.dictionaries(
    st.integers(0, 99) | st.integers(0, 2**32 - 2), st.integers(0, 2**32 - 1), min_size=1, max_size=9
)


@given(st.dictionaries(NAMES, LISTS.map(lambda d: sorted(d.items())), max_size=8))
@SLOW
def test_tag_pages(entries: dict[bytes, list[tuple[int, int]]]) -> None:
    page = encode_tag_page(entries)
    at, key, value = ffi.new("size_t *"), ffi.new("osm3s_bytes *"), ffi.new("osm3s_bytes *")
    found = {}
    while check(lib.osm3s_tag_page_next(page, len(page), at, key, value)):
        found[bytes(ffi.buffer(key.data, key.len))] = blocks_of(value)
    assert found == entries
    for name in [b"a\0", b"a\1", b"b\0", b"", b"\xff"]:
        code = lib.osm3s_tag_page_find(page, len(page), name, len(name), value)
        if name in entries:
            assert (code, blocks_of(value)) == (1, entries[name])
        else:
            assert code == (0 if any(other > name for other in entries) else 2)


def blocks_of(value: Any) -> list[tuple[int, int]]:
    total, n = ffi.new("uint64_t *"), ffi.new("size_t *")
    ids, counts = ffi.new("uint32_t[20]"), ffi.new("uint32_t[20]")
    check(lib.osm3s_tag_blocks(value.data, value.len, total, ids, counts, 20, n))
    assert total[0] == sum(counts[i] for i in range(n[0]))
    return [(ids[i], counts[i]) for i in range(n[0])]


def test_values_that_match_mark_their_blocks() -> None:
    page = encode_tag_page({b"a\0": [(1, 9)], b"a\1x": [(2, 1), (4, 1)], b"a\1y": [(3, 1)], b"ab\1x": [(5, 1)]})
    regex = Regex("x", False, 1).handle
    marks = ffi.new("uint8_t[6]")
    assert lib.osm3s_tag_page_mark_matching(page, len(page), b"a\1", 2, regex, marks, 6) == 0
    assert list(marks) == [0, 0, 1, 0, 1, 0]
    assert lib.osm3s_tag_page_mark_matching(page, len(page), b"ab\1", 3, regex, marks, 6) == 1
    assert list(marks) == [0, 0, 1, 0, 1, 1]
    with pytest.raises(CorruptError):
        check(lib.osm3s_tag_page_mark_matching(page, len(page), b"ab\1", 3, regex, marks, 5))
