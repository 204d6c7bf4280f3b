"""Quadtile numbers against their definition, worked out with Python integers."""

from __future__ import annotations

from geometry import ANYWHERE, NEIGHBOURHOODS, Box, Position, c_box
from hypothesis import given
from hypothesis import strategies as st

from osm3s.ffi import ffi, lib

WORLD, NOWHERE = 0x80000080, 0xFE
Tile = tuple[int, int]


def interleave(y: int, x: int, bits: int) -> int:
    return sum((y >> i & 1) << (2 * i + 1) | (x >> i & 1) << 2 * i for i in range(bits))


def tile(position: Position) -> Tile:
    return (position[0] + 910_000_000) >> 16, (position[1] + 2**31) >> 16


def enclosing(tiles: list[Tile]) -> int:
    """The number of the smallest square that holds all tiles; squares start at multiples of half their width."""
    if not tiles:
        return NOWHERE
    south, north = min(y for y, _ in tiles), max(y for y, _ in tiles)
    west, east = min(x for _, x in tiles), max(x for _, x in tiles)
    if (south, west) == (north, east):
        return interleave(south, west, 16)
    for level in range(1, 8):
        half = 4**level // 2
        y, x = south // half * half, west // half * half
        if north // half * half - y <= half and east // half * half - x <= half:
            return interleave(y, x, 16) | 1 << 31 | 1 << (level - 1)
    return WORLD


def corners(quad: int) -> list[Tile]:
    """South-western and north-eastern tile of what a number stands for."""
    level = next((i + 1 for i in range(7) if quad >> i & 1), 0) if quad >> 31 else 0
    half = 4**level // 2 or 1
    y, x = (sum((quad >> (2 * i + k) & 1) << i for i in range(15 + (k == 0))) // half * half for k in (1, 0))
    return [(y, x), (y + 4**level - 1, x + 4**level - 1)]


def members(quads: list[int]) -> int:
    return int(lib.osm3s_quad_of_members(quads, len(quads)))


@given(ANYWHERE)
def test_morton(position: Position) -> None:
    morton = lib.osm3s_morton_of_position(*position)
    assert morton == interleave(position[0] + 910_000_000, position[1] + 2**31, 32)
    lat, lon = ffi.new("int32_t *"), ffi.new("int32_t *")
    lib.osm3s_position_of_morton(morton, lat, lon)
    assert (lat[0], lon[0]) == position
    assert lib.osm3s_quad_of_position(*position) == morton >> 32 == interleave(*tile(position), 16)


@given(NEIGHBOURHOODS.flatmap(lambda where: st.lists(where, min_size=1, max_size=5)))
def test_way(nodes: list[Position]) -> None:
    lats, lons = [p[0] for p in nodes], [p[1] for p in nodes]
    box = Box(min(lats), min(lons), max(lats), max(lons))
    assert lib.osm3s_quad_of_bbox(c_box(box)) == enclosing([tile(p) for p in nodes])


def test_nothing_known() -> None:
    assert lib.osm3s_quad_of_bbox(c_box(Box(1, 1, 0, 0))) == NOWHERE
    assert members([]) == NOWHERE
    assert members([NOWHERE]) == NOWHERE


@given(NEIGHBOURHOODS.flatmap(lambda where: st.lists(st.lists(where, min_size=1, max_size=3), max_size=4)))
def test_relation(ways: list[list[Position]]) -> None:
    quads = [enclosing([tile(p) for p in way]) for way in ways]
    if WORLD in quads:
        assert members(quads) == WORLD
        return
    tiles = [t for quad in quads for t in corners(quad)]
    if all(x < 2**16 for _, x in tiles):
        assert members(quads) == enclosing(tiles)
    assert members(quads) == members(quads[::-1])


def test_a_square_beyond_the_last_column_is_the_world() -> None:
    eastern = interleave(0, 0xE000, 16) | 0x80000040
    assert members([eastern]) == WORLD


@given(st.lists(st.sampled_from([5, 0x80000005, 4, 0x80000004, 0x7FFFFFFF, 0, WORLD]), min_size=2, max_size=2))
def test_order(pair: list[int]) -> None:
    a, b = pair
    expected = (a & 0x7FFFFFFF, a) < (b & 0x7FFFFFFF, b)
    assert (lib.osm3s_quad_order(a) < lib.osm3s_quad_order(b)) == expected
