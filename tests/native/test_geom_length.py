"""Lengths: the digits that the reference prints, and the haversine formula."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from geometry import ANYWHERE, UNKNOWN, Position, flat
from hypothesis import given
from hypothesis import strategies as st
from test_geom_around import haversine

from osm3s.ffi import lib

SQUARE = [(510_000_000, 70_000_000), (510_000_000, 70_100_000), (510_100_000, 70_100_000), (510_100_000, 70_000_000)]


def length(way: list[Position]) -> float:
    return float(lib.osm3s_length_m(flat(way), len(way)))


def test_printed_lengths() -> None:
    """Ways 11 and 12 of Appendix A of the language specification."""
    square, road = length([*SQUARE, SQUARE[0]]), length([(510_200_000, 70_200_000), (510_310_000, 70_210_000)])
    assert f"{square:.3f}" == "3620.561"
    assert f"{road:.3f}" == "1224.219"
    assert f"{square + road:.3f}" == "4844.780"


@pytest.mark.parametrize("way", [[], SQUARE[:1], [SQUARE[0], SQUARE[0]], [SQUARE[0], UNKNOWN, SQUARE[1]]])
def test_without_length(way: list[Position]) -> None:
    assert length(way) == 0


def test_quarter_meridian() -> None:
    assert length([(0, 0), (900_000_000, 0)]) == pytest.approx(10_000_000)


@given(st.lists(ANYWHERE, max_size=4))
def test_haversine(way: list[Position]) -> None:
    expected = sum(haversine(p, q) for p, q in pairwise(way))
    assert length(way) == pytest.approx(expected, abs=0.5) or math.isnan(length(way))
