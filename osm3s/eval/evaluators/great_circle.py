"""Edges of areas follow great circles: long ones get positions in between, so dense that straight pieces will do."""

from __future__ import annotations

import math
from itertools import pairwise

from osm3s.output.derived import Position

STEP_DEGREES = 0.0065536
"""Edges with both differences below this stay as they are; pieces at the equator are no longer."""
_DEGREE = math.acos(0) / 90.0
_HALF_GLOBE_DEGREES = 179.999999
_FINEST = 65536
_SHORTEST_DEGREES = 1e-9


def interpolated(start: Position, end: Position) -> list[Position]:
    """The positions of an edge behind its start, `end` included."""
    (lat, lon), (end_lat, end_lon) = start, end
    if abs(end_lat - lat) < STEP_DEGREES and abs(end_lon - lon) < STEP_DEGREES:
        return [end]
    if abs(end_lon - lon) > 180.0:
        end_lon += 360.0 if lon >= 0 else -360.0
    if abs(end_lon - lon) > _HALF_GLOBE_DEGREES:
        between = _across_pole((lat, lon), (end_lat, end_lon))
    else:
        between = _Arc((lat, lon), (end_lat, end_lon)).positions()
    return [*between, (end_lat, _wrapped(end_lon))]


def _wrapped(lon: float) -> float:
    return lon + 360.0 if lon < -180.0 else lon - 360.0 if lon > 180.0 else lon


def _across_pole(start: Position, end: Position) -> list[Position]:
    """Along the meridian to the nearer pole, around it, and along the other meridian."""
    pole = 90.0 if start[0] + end[0] >= 0 else -90.0
    corners = [start, (pole, start[1]), (pole, end[1]), end]
    found: list[Position] = []
    for a, b in pairwise(corners):
        n = int(max(abs(b[0] - a[0]), abs(b[1] - a[1])) / STEP_DEGREES) + 1
        found += [(a[0] + (b[0] - a[0]) * j / n, a[1] + (b[1] - a[1]) * j / n) for j in range(1, n)]
        found.append(b)
    return found[:-1]


class _Arc:
    """A part of a great circle; places on it are angles from the start in radians."""

    def __init__(self, start: Position, end: Position) -> None:
        self._lon = start[1]
        lat, end_lat, width = start[0] * _DEGREE, end[0] * _DEGREE, (end[1] - start[1]) * _DEGREE
        self._x, self._z = math.sin(lat), math.cos(lat)  # x towards the pole, z towards the start's meridian
        x, y = math.sin(end_lat), math.sin(width) * math.cos(end_lat)
        z = math.cos(width) * math.cos(end_lat)
        cosine = self._x * x + self._z * z
        self._length = math.acos(max(-1.0, min(1.0, cosine)))
        x, z = x - cosine * self._x, z - cosine * self._z
        size = math.sqrt(x * x + y * y + z * z)
        self._ahead = (x / size, y / size, z / size)
        top = math.atan(self._ahead[0] / self._x) if self._x != 0 else self._length
        self._top = max(min(top, self._length), 0.0)
        """Where the latitude is extreme."""
        top_lat = self._at(self._top)[0]
        self._step = STEP_DEGREES * math.cos(top_lat * _DEGREE)
        """Pieces must not be longer than this near the top, in degrees."""
        self._circle_lat = top_lat
        if self._step < STEP_DEGREES / 4 and top != self._top:
            self._circle_lat = self._at(top)[0]

    def _at(self, place: float) -> Position:
        sine, cosine = math.sin(place), math.cos(place)
        x, y, z = self._ahead
        lat = math.asin(max(-1.0, min(1.0, sine * x + cosine * self._x))) / _DEGREE
        return lat, _wrapped(math.atan2(sine * y, sine * z + cosine * self._z) / _DEGREE + self._lon)

    def positions(self) -> list[Position]:
        """Those between start and end."""
        return [self._at(place) for place in self._places(0.0, self._length, 4)]

    def _places(self, start: float, end: float, divisor: int) -> list[float]:
        """Near a pole pieces get shorter, by a factor of 4 from zone to zone."""
        longest = STEP_DEGREES / divisor
        if self._step < longest and divisor < _FINEST:
            reach = self._reach_of_zone(divisor)
            first, last = (max(min(self._top + r, end), start) for r in (-reach, reach))
            places = _sequence(start, first, longest * _DEGREE)
            places += [first] if 0 < first < end else []
            places += self._places(first, last, divisor * 4)
            places += [last] if 0 < last < end else []
            return places + _sequence(last, end, longest * _DEGREE)
        step = max(self._step, _SHORTEST_DEGREES) * _DEGREE
        top = [self._top] if start < self._top < end else []
        return [*_sequence(start, self._top, step), *top, *_sequence(self._top, end, step)]

    def _reach_of_zone(self, divisor: int) -> float:
        """How far from the top the circle leaves the zone where meridians are closer than 1 / divisor."""
        sine = math.sin(self._circle_lat * _DEGREE)
        edge = math.sqrt(1 - 1.0 / divisor / divisor) / sine if sine else math.inf
        return math.acos(edge) if -1.0 <= edge <= 1.0 else 0.0


def _sequence(start: float, end: float, step: float) -> list[float]:
    """Evenly spaced places between two others, no further apart than `step`."""
    n = int((end - start) / step) + 1
    return [start + (end - start) * j / n for j in range(1, n)]
