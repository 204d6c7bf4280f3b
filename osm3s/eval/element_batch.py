"""Some thousand elements of the map, of one type, as columns of what evaluators ask about them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

from osm3s.eval.execution import Execution
from osm3s.eval.geometries import NOWHERE, line_of, way_geometry
from osm3s.eval.items import MemberList, Tags
from osm3s.eval.recursion import member_rows
from osm3s.ffi import check, columns, ffi, lib
from osm3s.ffi.element_set import NODE, RELATION, WAY, ElementSet
from osm3s.output.derived import Collection, Geometry, Point, coordinate

TYPE_NAMES = ("node", "way", "relation")
NOT_KNOWN = ("NaN", "NaN")
_KINDS = {
    "version": columns.VERSION,
    "changeset": columns.CHANGESET,
    "uid": columns.UID,
    "tags": columns.NUMBER_OF_TAGS,
    "members": columns.NUMBER_OF_REFS,
}

Positions = list[tuple[float, float]]


@dataclass(slots=True)
class MemberColumns:
    """The members of one element, in order; of a way: its nodes."""

    types: list[int]
    refs: list[int]
    roles: list[str]


class ElementBatch:
    """Rows of one type; `rows` is an `osm3s_row *`, which `owner` keeps alive. `time_s` is what they are as of, if not
    the time in question: so are the members of relations, then."""

    def __init__(
        self, execution: Execution, element_type: int, rows: Any, n: int, owner: Any, time_s: int | None = None
    ) -> None:
        self.n = n
        self.rows = rows
        self.element_type = element_type
        self.is_way = element_type == WAY
        self._execution = execution
        self._time_s = execution.snapshot.time if time_s is None else time_s
        self._snapshot = execution.snapshot.handle
        self._owner = owner

    # --- properties -------------------------------------------------------------------------------------------------

    def id_numbers(self) -> list[int]:
        return columns.ids(self.rows, self.n)

    def ids(self) -> list[str]:
        return list(map(str, self.id_numbers()))

    def types(self) -> list[str]:
        return [TYPE_NAMES[self.element_type]] * self.n

    def tags(self) -> list[Tags]:
        return columns.tags(self._snapshot, self.rows, self.n)

    def values(self, key: str) -> list[str]:
        return columns.values(self._snapshot, self.rows, self.n, key)

    def has_key(self, key: str) -> list[str]:
        return list(map("01".__getitem__, columns.has_key(self._snapshot, self.rows, self.n, key)))

    def count_tags(self) -> list[str]:
        return _texts(self._numbers(columns.NUMBER_OF_TAGS))

    def count_members(self) -> list[str]:
        return _texts(self._numbers(columns.NUMBER_OF_REFS))

    def is_closed(self) -> list[str]:
        if self.element_type != WAY:
            return ["NaW"] * self.n
        return list(map("01".__getitem__, self._numbers(columns.IS_CLOSED)))

    def metadata(self, name: str) -> list[str]:
        if name == "timestamp":
            return [_timestamp(seconds) for seconds in self._numbers(columns.TIMESTAMP)]
        if name == "user":
            snapshot = self._execution.snapshot
            numbers = self._numbers(columns.UID)
            users = {uid: snapshot.user_name(uid) or "" for uid in set(numbers)}
            return [users[uid] for uid in numbers]
        return _texts(self._numbers(_KINDS[name]))

    def numbers(self, name: str) -> Sequence[float] | None:
        if name == "id":
            return self.id_numbers()
        if name in _KINDS:
            return self._numbers(_KINDS[name])
        if self.element_type == RELATION:
            return None
        if name == "length":
            is_way = self.element_type == WAY
            return columns.lengths_m(self._snapshot, self.rows, self.n) if is_way else [0.0] * self.n
        return columns.centers(self._snapshot, self.rows, self.n, self.element_type)[name == "lon" :: 2]

    def _numbers(self, kind: int) -> list[int]:
        return columns.numbers(self._snapshot, self.rows, self.n, kind)

    # --- members and geometry ---------------------------------------------------------------------------------------

    @cached_property
    def _nodes(self) -> columns.WayNodes:
        return columns.way_nodes(self._snapshot, self.rows, self.n)

    @cached_property
    def _members(self) -> columns.Members:
        return columns.members(self._snapshot, self.rows, self.n)

    @cached_property
    def _known_members(self) -> ElementSet:
        """The nodes and ways in the database that are members of the relations of the batch."""
        relations, found = ElementSet(), ElementSet()
        keep = b"\1" * self.n
        check(lib.osm3s_rows_keep(self.rows, self.n, ffi.from_buffer(keep), relations.rows(RELATION)))
        check(lib.osm3s_rows_sort(relations.rows(RELATION)))
        with self._execution.at(self._time_s):
            for element_type in (NODE, WAY):
                member_rows(self._execution, relations, element_type, None, found, or_later=True)
        return found

    def members(self) -> list[MemberList | None]:
        if self.element_type == NODE:
            return [None] * self.n
        if self.element_type == WAY:
            start, ref, _ = self._nodes
            return [MemberColumns([NODE] * (b - a), ref[a:b], [""] * (b - a)) for a, b in pairwise(start)]
        members = self._members
        return [
            MemberColumns(members.type[a:b], members.ref[a:b], members.role[a:b]) for a, b in pairwise(members.start)
        ]

    def positions(self) -> list[Positions | None]:
        if self.element_type != WAY:
            return [None] * self.n
        nodes = self._nodes
        places = list(zip(nodes.lat_lon[::2], nodes.lat_lon[1::2], strict=True))
        return [places[a:b] for a, b in pairwise(nodes.start)]

    def lengths(self) -> list[str]:
        if self.element_type == NODE:
            return ["0"] * self.n
        if self.element_type == WAY:
            return [f"{length:.3f}" for length in columns.lengths_m(self._snapshot, self.rows, self.n)]
        ways = self._known_members.handle.of[WAY]
        lengths = dict(
            zip(columns.ids(ways.rows, ways.n), columns.lengths_m(self._snapshot, ways.rows, ways.n), strict=True)
        )
        sums = []
        for a, b in pairwise(self._members.start):
            length_m = 0.0
            for member_type, ref in zip(self._members.type[a:b], self._members.ref[a:b], strict=True):
                if member_type == WAY:
                    length_m += lengths.get(ref, 0.0)
            sums.append(f"{length_m:.3f}")
        return sums

    def centers(self) -> list[tuple[str, str]]:
        if self.element_type == RELATION:
            return [center_of(geometry) for geometry in self.geometries()]
        flat = columns.centers(self._snapshot, self.rows, self.n, self.element_type)
        return [
            NOT_KNOWN if lat != lat else (coordinate(lat), coordinate(lon))
            for lat, lon in zip(flat[::2], flat[1::2], strict=True)
        ]

    def geometries(self) -> list[Geometry | None]:
        if self.element_type == NODE:
            flat = columns.centers(self._snapshot, self.rows, self.n, NODE)
            return [NOWHERE if lat != lat else Point(lat, lon) for lat, lon in zip(flat[::2], flat[1::2], strict=True)]
        if self.element_type == WAY:
            return [line_of(positions or []) for positions in self.positions()]
        return self._relation_geometries()

    def _relation_geometries(self) -> list[Geometry | None]:
        known = self._known_members
        nodes, ways = known.handle.of[NODE], known.handle.of[WAY]
        flat = columns.centers(self._snapshot, nodes.rows, nodes.n, NODE)
        points = dict(zip(columns.ids(nodes.rows, nodes.n), zip(flat[::2], flat[1::2], strict=True), strict=True))
        way_batch = ElementBatch(self._execution, WAY, ways.rows, ways.n, known)
        lines = dict(zip(way_batch.id_numbers(), way_batch.positions(), strict=True))
        found: list[Geometry | None] = []
        for a, b in pairwise(self._members.start):
            parts: list[Geometry | None] = []
            for member_type, ref in zip(self._members.type[a:b], self._members.ref[a:b], strict=True):
                if member_type == NODE and ref in points and not math.isnan(points[ref][0]):
                    parts.append(Point(*points[ref]))
                elif member_type == WAY and ref in lines:
                    parts.append(way_geometry(lines[ref] or []))
                else:
                    parts.append(NOWHERE)
            found.append(Collection(parts))
        return found


def center_of(geometry: Geometry | None) -> tuple[str, str]:
    """Latitude and longitude of the centre of the bounds, as texts."""
    bounds = geometry.bounds if geometry is not None else None
    if bounds is None:
        return NOT_KNOWN
    lat, lon = bounds.center
    return coordinate(lat), coordinate(lon)


def _texts(numbers: list[int]) -> list[str]:
    texts = {number: str(number) for number in set(numbers)}
    return [texts[number] for number in numbers]


def _timestamp(seconds: int) -> str:
    if seconds == 0:
        return ""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return f"{_date(day)}T{hour:02}:{minute:02}:{second:02}Z"


@lru_cache(maxsize=8192)
def _date(day: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(day * 86400))
