"""What is in an area, as libosmium assembles it and shapely sees it. Neither knows the project."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely

from osm3s.constants import RELATION_AREA_OFFSET

WIDTH = 2.5
"""In units of 1e-7 degree: what is so near to a border is decided by rounding, of which each system has its own."""
Found = set[tuple[str, int]]
"""Kinds of elements (node, way, relation, area) and ids."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is certainly found, and everything of which it is not certain that it is not."""

    certain: Found
    possible: Found


class MapOracle:
    """One map. `areas` are the shapes in units, by ("area", id) of those of relations, ("way", id) of closed ways."""

    def __init__(self, path: Path) -> None:
        self.areas: dict[tuple[str, int], Any] = {}
        self.members: dict[int, list[tuple[str, int]]] = {}
        self.incomplete: Found = set()
        """Ways with a node that is not in the map, and relations with such ways: nothing is said about them."""
        shapes: dict[str, dict[int, Any]] = {"node": {}, "way": {}}
        wkb = osmium.geom.WKBFactory()
        for element in osmium.FileProcessor(str(path)).with_locations().with_areas():
            if element.is_node():
                shapes["node"][element.id] = shapely.Point(element.location.x, element.location.y)
            elif element.is_way():
                line = [(node.x, node.y) for node in element.nodes if node.location.valid()]
                if not line or len(line) < len(element.nodes):
                    self.incomplete.add(("way", element.id))
                else:
                    shapes["way"][element.id] = shapely.LineString(line) if len(line) > 1 else shapely.Point(line)
            elif element.is_relation():
                self.members[element.id] = [(_KINDS[member.type], member.ref) for member in element.members]
            else:
                key = ("way", element.orig_id())
                if not element.from_way():
                    key = ("area", RELATION_AREA_OFFSET + element.orig_id())
                with suppress(RuntimeError):  # an invalid area
                    self.areas[key] = _in_units(shapely.from_wkb(wkb.create_multipolygon(element)))
        self.incomplete |= {
            ("relation", relation)
            for relation, members in self.members.items()
            if not self.incomplete.isdisjoint(members)
        }
        self._lines = shapes["way"]
        self._ids = {kind: list(of_kind) for kind, of_kind in shapes.items()}
        self._trees = {kind: shapely.STRtree(list(of_kind.values())) for kind, of_kind in shapes.items()}
        self._area_keys = list(self.areas)
        self._area_tree = shapely.STRtree(list(self.areas.values()))

    def inside(self, area: tuple[str, int]) -> Verdict:
        """What an area filter finds in one of `areas`."""
        shape, lines = self.areas[area], self._lines_of(area).buffer(WIDTH, quad_segs=1)
        certain = shape.buffer(-WIDTH).difference(lines)
        return Verdict(self._meeting(certain), self._meeting(shape.buffer(WIDTH).union(lines)))

    def _lines_of(self, area: tuple[str, int]) -> Any:
        """The member ways of a relation: two rings may share an edge, which is no edge of what libosmium makes of
        them."""
        lines = [
            self._lines[ref]
            for kind, ref in self.members.get(area[1] - RELATION_AREA_OFFSET, ())
            if area[0] == "area" and kind == "way" and ref in self._lines
        ]
        return shapely.MultiLineString([line for line in lines if line.geom_type == "LineString"])

    def _meeting(self, shape: Any) -> Found:
        shapely.prepare(shape)
        found: Found = set()
        for kind, tree in self._trees.items():
            ids = self._ids[kind]
            found |= {(kind, ids[i]) for i in tree.query(shape, predicate="intersects")}
        found |= {("relation", r) for r, members in self.members.items() if not found.isdisjoint(members)}
        return found - self.incomplete

    def around(self, lat_e7: int, lon_e7: int, among: Found) -> Verdict:
        """Which of some areas `is_in` finds, as far as they are in `areas`."""
        disc = shapely.Point(lon_e7, lat_e7).buffer(WIDTH)
        near = self._area_tree.query(disc, predicate="intersects")
        possible = {self._area_keys[i] for i in near} & among
        return Verdict({key for key in possible if self.areas[key].contains(disc)}, possible)


_KINDS = {"n": "node", "w": "way", "r": "relation"}


def _in_units(shape: Any) -> Any:
    return shapely.transform(shape, lambda degrees: np.rint(degrees * 1e7))
