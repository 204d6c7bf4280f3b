"""native/set.c: rows as sets, against the sets of Python."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osm3s.ffi import check, ffi, lib

UNRESOLVED = 0xFFFFFFFF
Row = tuple[int, int]
"""Id and block."""

IDS = st.integers(0, 20) | st.integers(0, 2**64 - 1)
ROWS = st.lists(st.tuples(IDS, st.sampled_from([UNRESOLVED, 3])), max_size=40)


class Rows:
    def __init__(self, rows: Iterable[Row] = (), sort: bool = True) -> None:
        self._set = ffi.gc(lib.osm3s_set_new(), lib.osm3s_set_free)
        self.c: Any = ffi.addressof(self._set.of, 0)
        for element_id, block in rows:
            check(lib.osm3s_rows_push(self.c, element_id, block, 7, 1, 2))
        if sort:
            check(lib.osm3s_rows_sort(self.c))

    def items(self) -> list[Row]:
        return [(self.c.rows[i].id, self.c.rows[i].block) for i in range(self.c.n)]


def oracle(rows: Iterable[Row]) -> dict[int, int]:
    """Without duplicates; a resolved row wins."""
    found: dict[int, int] = {}
    for element_id, block in rows:
        found[element_id] = min(block, found.get(element_id, UNRESOLVED))
    return dict(sorted(found.items()))


@given(ROWS)
@settings(deadline=None)
def test_sorting_drops_duplicates(rows: list[Row]) -> None:
    assert Rows(rows).items() == list(oracle(rows).items())


@pytest.mark.parametrize("n", [0, 1, 2, 511, 512, 513, 514, 1023, 5000])
@pytest.mark.parametrize("highest", [3, 600, 2**11 - 1, 2**11, 2**22, 2**33, 2**44, 2**55, 2**64 - 1])
@pytest.mark.parametrize("resolved", [0.0, 0.5, 1.0])
def test_many_rows_around_the_limits_of_the_sorts(n: int, highest: int, resolved: float) -> None:
    random = Random(n * 31 + highest)
    rows = [(random.randint(0, highest), 3 if random.random() < resolved else UNRESOLVED) for _ in range(n)]
    if n > 2:
        rows[1] = (highest, 3)
        rows[2] = (0, 3)
    assert Rows(rows).items() == list(oracle(rows).items())


@given(ROWS, ROWS)
@settings(deadline=None)
def test_union_difference_intersection_copy(left: list[Row], right: list[Row]) -> None:
    a, b = oracle(left), oracle(right)
    rows, other = Rows(left), Rows(right)
    check(lib.osm3s_rows_add(rows.c, other.c))
    assert rows.items() == list(oracle([*a.items(), *b.items()]).items())
    rows = Rows(left)
    lib.osm3s_rows_subtract(rows.c, other.c)
    assert rows.items() == [item for item in a.items() if item[0] not in b]
    rows = Rows(left)
    lib.osm3s_rows_intersect(rows.c, other.c)
    assert rows.items() == [item for item in a.items() if item[0] in b]
    original, copy = Rows(left), Rows(right)
    check(lib.osm3s_rows_copy(original.c, copy.c))
    assert copy.items() == list(a.items())
    assert other.items() == list(b.items())
