"""Closed lines that may cross or touch -> rings that do not, each with the inside on the same side.

What is inside is counted along the meridian from the south pole: behind an odd number of lines. Edges are numbered in
the order in which they are made; where more than two ends meet, neighbours by direction go together. Both decide which
rings come out and where they start, and are as in the reference.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from osm3s.eval.evaluators.great_circle import interpolated
from osm3s.output.derived import Position

EPSILON_DEGREES = 1e-7
_TILE_SHIFT = 16
_STEPS_PER_CHECK = 10_000

Tile = tuple[int, int]
End = tuple[int, bool]
"""An edge, and whether its start (False) or its end (True) is meant."""


def _tile(position: Position) -> Tile:
    """Tiles in which crossings are looked for; they are worked off in their order as unsigned numbers."""
    lat = int((position[0] + 91.0) * 10_000_000 + 0.5)
    lon = int(position[1] * 10_000_000 + (0.5 if position[1] > 0 else -0.5))
    return lat >> _TILE_SHIFT, (lon & 0xFFFFFFFF) >> _TILE_SHIFT


def _close(a: Position, b: Position) -> bool:
    return abs(a[0] - b[0]) < EPSILON_DEGREES and abs(a[1] - b[1]) < EPSILON_DEGREES


class _Edges:
    """Edges by number; one that was split is None."""

    def __init__(self, lines: list[list[Position]], check_limits: Callable[[], None]) -> None:
        self._check_limits = check_limits
        self._n_steps = 0
        self.edges: list[tuple[Position, Position] | None] = []
        self._of_tile: dict[Tile, list[int]] = {}
        for line in lines:
            positions = [line[0]]
            for a, b in pairwise(line):
                pieces = interpolated(a, b)
                positions += pieces
                self._take_steps(2 * len(pieces))
            for a, b in pairwise(positions):
                self._add(a, b)

    def _take_steps(self, n: int) -> None:
        """Work has been done that takes about n microseconds: now and then, look whether there is time for more."""
        self._n_steps += n
        if self._n_steps >= _STEPS_PER_CHECK:
            self._n_steps = 0
            self._check_limits()

    def __getitem__(self, number: int) -> tuple[Position, Position]:
        edge = self.edges[number]
        assert edge is not None
        return edge

    def _append(self, a: Position, b: Position) -> int:
        self.edges.append((a, b))
        return len(self.edges) - 1

    def _add(self, a: Position, b: Position) -> None:
        self._take_steps(5)
        number = self._append(a, b)
        for tile in _tiles(a, b):
            self._of_tile.setdefault(tile, []).append(number)

    # --- crossings --------------------------------------------------------------------------------------------------

    def split(self) -> None:
        """Cut edges where they cross."""
        done: set[Tile] = set()
        while waiting := [tile for tile in self._of_tile if tile not in done]:
            tile = min(waiting)
            for tile in sorted(waiting):
                done.add(tile)
                self._split_in(tile, self._of_tile[tile])

    def _split_in(self, tile: Tile, numbers: list[int]) -> None:
        self._check_limits()
        i = 1
        while i < len(numbers):
            self._take_steps(i)
            for j in range(i):
                one, other = self.edges[numbers[j]], self.edges[numbers[i]]
                if one is None or other is None:  # split by what was found in another tile
                    continue
                where = crossing(one, other)
                if where is not None and _tile(where) == tile:
                    self._take_steps(len(numbers))
                    where = self._snapped(where, numbers)
                    for place in (j, i):
                        if where not in (self.edges[numbers[place]] or (where,)):
                            self._cut(numbers[place], where)
            i += 1

    def _snapped(self, where: Position, numbers: list[int]) -> Position:
        """The position of an end of an edge that is so close that only rounding makes the difference."""
        for number in numbers:
            for end in self.edges[number] or ():
                if _close(where, end):
                    where = end
        return where

    def _cut(self, number: int, where: Position) -> None:
        a, b = self[number]
        self.edges[number] = None
        first, second = self._append(a, where), self._append(where, b)
        at, start, end = _tile(where), _tile(a), _tile(b)
        for tile in _tiles(a, b):
            numbers = self._of_tile.setdefault(tile, [])
            if at == start:
                replacement = second
            elif at == end or tile != end:
                replacement = first
            else:
                replacement = second
            numbers[:] = [replacement if n == number else n for n in numbers]
            if at not in (start, end) and tile not in (start, end):
                numbers.append(second)
        if at == start:
            self._of_tile.setdefault(at, []).append(first)
        elif at == end:
            self._of_tile.setdefault(at, []).append(second)

    # --- rings ------------------------------------------------------------------------------------------------------

    def partners(self) -> dict[End, End]:
        """Which end of an edge goes on at which other end."""
        meeting: dict[Position, list[End]] = {}
        for number, edge in enumerate(self.edges):
            if edge is not None:
                meeting.setdefault(edge[0], []).append((number, False))
                meeting.setdefault(edge[1], []).append((number, True))
        partner: dict[End, End] = {}
        for ends in meeting.values():
            for a, b in _pairs([(self._direction(end), end) for end in ends]) if len(ends) != 2 else [tuple(ends)]:
                partner[a], partner[b] = b, a
        return partner

    def _direction(self, end: End) -> float:
        edge = self[end[0]]
        here, there = (edge[1], edge[0]) if end[1] else edge
        return math.atan2(there[1] - here[1], there[0] - here[0])

    def rings(self) -> list[list[Position]]:
        partner, used, found = self.partners(), set[int](), []
        for number, edge in enumerate(self.edges):
            if edge is None or number in used:
                continue
            ring: list[Position] = []
            end: End = (number, False)
            while end[0] not in used:
                used.add(end[0])
                position = self[end[0]][end[1]]
                if len(ring) >= 2 and _close(position, ring[-2]):
                    ring.pop()  # there and back
                elif not ring or not _close(position, ring[-1]):
                    ring.append(position)
                leaving = (end[0], not end[1])
                if leaving not in partner:
                    break
                end = partner[leaving]
            if len(ring) > 2:
                found.append([*ring, ring[0]])
        return found

    def inside_south_of(self, a: Position, b: Position) -> bool:
        """Whether the inside is south of the middle of an edge."""
        self._take_steps(len(self.edges))
        lat, lon = (a[0] + b[0]) / 2, _middle_lon(a, b)
        crossed = 0
        for edge in self.edges:
            if edge is None or edge in ((a, b), (b, a)):
                continue
            (lat_a, lon_a), (lat_b, lon_b) = edge
            west, east = _beside(lon_a, lon), _beside(lon_b, lon)
            if abs(west - east) <= 180.0 and (west <= lon) != (east <= lon):
                crossed += lat_a + (lat_b - lat_a) * (lon - west) / (east - west) < lat
        return crossed % 2 == 1


def _tiles(a: Position, b: Position) -> list[Tile]:
    """The tiles that an edge may touch: all combinations of those of its ends, that of its end last."""
    (lat_a, lon_a), (lat_b, lon_b) = _tile(a), _tile(b)
    return list(dict.fromkeys([(lat_a, lon_a), (lat_a, lon_b), (lat_b, lon_a), (lat_b, lon_b)]))


def _pairs(ends: list[tuple[float, End]]) -> list[tuple[End, End]]:
    """Neighbours by direction; of two edges that lie upon each other the inner ones go together."""
    ends.sort(key=lambda item: item[0])
    found, j = [], 0
    while j + 1 < len(ends):
        if j + 3 < len(ends) and ends[j + 1][0] == ends[j + 2][0]:
            found += [(ends[j][1], ends[j + 3][1]), (ends[j + 1][1], ends[j + 2][1])]
            j += 4
        else:
            found.append((ends[j][1], ends[j + 1][1]))
            j += 2
    return found


def crossing(left: tuple[Position, Position], right: tuple[Position, Position]) -> Position | None:
    """Where two edges meet that have no end in common."""
    (a, b), (c, d) = left, right
    if a in right or b in right:
        return None
    ab, cd, cb = (a[0] - b[0], a[1] - b[1]), (c[0] - d[0], c[1] - d[1]), (c[0] - b[0], c[1] - b[1])
    determinant = ab[0] * cd[1] - cd[0] * ab[1]
    if determinant == 0:
        return _overlap(left, right, cb) if ab[0] * cb[1] - ab[1] * cb[0] == 0 else None
    x = (cd[1] * cb[0] - cd[0] * cb[1]) / determinant
    y = (ab[0] * cb[1] - ab[1] * cb[0]) / determinant
    if not (-EPSILON_DEGREES < x < 1 + EPSILON_DEGREES and -EPSILON_DEGREES < y < 1 + EPSILON_DEGREES):
        return None
    where = b[0] + x * ab[0], b[1] + x * ab[1]
    if not _close(where, (c[0] - y * cd[0], c[1] - y * cd[1])):
        return _overlap(left, right, cb)  # upon each other but for rounding: the place on either edge is arbitrary
    return where


def _overlap(left: tuple[Position, Position], right: tuple[Position, Position], apart: Position) -> Position | None:
    """The first position that two edges of one line have in common; `apart` is the distance of two of their ends."""
    axis = 0 if abs(apart[0]) > abs(apart[1]) else 1
    low, high = min(left, key=lambda p: p[axis]), max(left, key=lambda p: p[axis])
    other_low, other_high = min(right, key=lambda p: p[axis]), max(right, key=lambda p: p[axis])
    if high[axis] < other_low[axis] or other_high[axis] < low[axis]:
        return None
    return other_low if low[axis] < other_low[axis] else low


def _beside(lon: float, other: float) -> float:
    """The longitude, as a number that is less than half the globe away from another."""
    return lon - 360.0 if lon - other > 180.0 else lon + 360.0 if other - lon > 180.0 else lon


def _middle_lon(a: Position, b: Position) -> float:
    return (a[1] + _beside(b[1], a[1])) / 2


def oriented_rings(lines: list[list[Position]], check_limits: Callable[[], None]) -> list[list[Position]]:
    """The rings of the area between closed lines; the inside is to the left of each. `check_limits` may raise."""
    edges = _Edges(lines, check_limits)
    edges.split()
    found = []
    for ring in edges.rings():
        a, b = max(pairwise(ring), key=lambda edge: abs(_beside(edge[1][1], edge[0][1]) - edge[0][1]))
        eastward = _beside(b[1], a[1]) > a[1]
        found.append(ring[::-1] if edges.inside_south_of(a, b) == eastward else ring)
    return found
