"""Parts of attics: versions stored as what has changed since the one before come out whole, whichever is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from block_making import RELATIONS, WAYS, Blocks, build, check_bytes, dump, expected
from format_decoder import NO_COORD, Decoded, decode_block
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NODES = st.lists(
    st.tuples(st.integers(1, 9), st.one_of(st.integers(-90, 90), st.just(NO_COORD)), st.integers(-180, 180)).map(
        lambda node: node if node[1] != NO_COORD else (node[0], NO_COORD, NO_COORD)
    ),
    max_size=12,
)
MEMBERS = st.lists(st.tuples(st.integers(0, 2), st.integers(-9, 9), st.sampled_from([b"", b"outer"])), max_size=12)


@st.composite
def versions(draw: st.DrawFn, items: st.SearchStrategy[list[tuple[int, int, int]]]) -> list[list[tuple[int, int, int]]]:
    """Lists of which most share a good deal with the one before."""
    found = [draw(items)]
    for _ in range(draw(st.integers(0, 40))):
        now = list(found[-1])
        at, to = sorted((draw(st.integers(0, len(now))), draw(st.integers(0, len(now)))))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            now[at:to] = draw(items)[:3]
        elif kind == 1 and at < len(now) and now[at][1] != NO_COORD and isinstance(now[at][2], int):
            now[at] = now[at][0], now[at][1] + draw(st.integers(-5, 5)), now[at][2] + draw(st.integers(-5, 5))
        elif kind == 2:
            now = draw(items)
        found.append(now)
    return found


@given(st.lists(versions(NODES), min_size=1, max_size=3), st.lists(versions(MEMBERS), min_size=1, max_size=3))
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_version_comes_out_whole(
    tmp_path_factory: pytest.TempPathFactory,
    ways: list[list[list[tuple[int, int, int]]]],
    relations: list[list[list[tuple[int, int, bytes]]]],
) -> None:
    blocks = Blocks(tmp_path_factory.mktemp("blocks"))
    wanted = {
        WAYS: [Decoded(i, nodes=tuple(nodes)) for i, of_one in enumerate(ways) for nodes in of_one],
        RELATIONS: [Decoded(i, members=tuple(list_)) for i, of_one in enumerate(relations) for list_ in of_one],
    }
    for family, elements in wanted.items():
        made = build(family, elements, as_attic=True)
        wanted[family] = [expected(family, e) for e in elements]
        assert decode_block(made.head, made.body, made.meta) == (family, wanted[family])
        assert check_bytes(made) == 0
        blocks.add(family, made)
    snapshot = blocks.open()
    for block, family in enumerate((WAYS, RELATIONS)):
        assert dump(snapshot, block, family) == wanted[family]


def test_a_long_list_that_hardly_changes_is_stored_once(tmp_path: Path) -> None:
    def members(moved: int) -> tuple[tuple[int, int, bytes], ...]:
        return tuple((1, ref if i != moved else -ref, b"") for i, ref in enumerate(range(10**6, 10**6 + 3000)))

    once = build(RELATIONS, [Decoded(1, members=members(0))], as_attic=True)
    often = build(RELATIONS, [Decoded(1, members=members(i)) for i in range(30)], as_attic=True)
    assert len(often.body) < 1.2 * len(once.body)
    _, elements = decode_block(often.head, often.body, often.meta)
    assert [e.members for e in elements] == [members(i) for i in range(30)]


@pytest.mark.parametrize("record", [b"\x01\x00", b"\x00\x00\x00\x00"])
def test_a_difference_to_nothing_is_damage(record: bytes) -> None:
    """The only way of a block has no version before it."""
    made = build(WAYS, [Decoded(1, nodes=((1, 5, 5),))], as_attic=True)
    assert check_bytes(made) == 0
    assert check_bytes(made._replace(body=record + made.body[len(record) :])) != 0
