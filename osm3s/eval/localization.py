"""How ways meet: where they are to be cut, and what tells apart nodes and pieces of ways that lie at the same place.

A way is cut at its nodes that end any way, that several ways use, that carry tags and are in the input set, or that lie
exactly where another node lies. Only ways are cut whose nodes are all in the database.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from osm3s.eval.batch import element_batches
from osm3s.eval.execution import Execution
from osm3s.eval.recursion import member_rows, way_nodes, ways_of_nodes
from osm3s.eval.spatial import BBox
from osm3s.ffi.element_set import NODE, WAY, ElementSet
from osm3s.output.derived import Point, Position

USED_AS_END = 2


@dataclass(slots=True)
class Piece:
    """A part of a way between two nodes at which it is cut."""

    first: int
    last: int
    """The nodes at its ends."""
    positions: list[Position]
    """Empty if the piece lies outside of the box."""
    local_id: int = 0
    """Counts the pieces with the same ends in the same direction from 1; 0 if it is the only one."""


class Localization:
    """The nodes and ways that a set consists of, in the context of all ways that touch them."""

    def __init__(self, execution: Execution, set_: ElementSet, box: BBox | None) -> None:
        """`box` None: everywhere."""
        self._execution = execution
        self._box = box
        ways, nodes, touching = set_.copy((WAY,)), ElementSet(), ElementSet()
        member_rows(execution, set_, WAY, None, ways)
        way_nodes(execution, ways, [], nodes)
        member_rows(execution, set_, NODE, None, nodes)
        ways_of_nodes(execution, nodes, [], touching)
        touching.add(ways, (WAY,))
        nodes.add(set_, (NODE,))
        self._positions = dict(self._positions_of(nodes))
        self.local_ids = _numbers_at_one_place(self._positions)
        """By node, only of nodes that lie exactly where another one lies: 1 for the one of the lowest id, and so on."""
        self._refs = dict(self._refs_of(touching))
        self._uses: Counter[int] = Counter()
        for refs in self._refs.values():
            if refs:
                self._uses.update(refs[1:-1])
                self._uses[refs[0]] += USED_AS_END
                self._uses[refs[-1]] += USED_AS_END

    def _positions_of(self, nodes: ElementSet) -> Iterator[tuple[int, Position]]:
        for batch in element_batches(self._execution, nodes, NODE):
            for id_, geometry in zip(batch.id_numbers(), batch.geometries(), strict=True):
                if isinstance(geometry, Point) and not math.isnan(geometry.lat):
                    yield id_, (geometry.lat, geometry.lon)

    def _refs_of(self, ways: ElementSet) -> Iterator[tuple[int, list[int]]]:
        for batch in element_batches(self._execution, ways, WAY):
            for id_, members in zip(batch.id_numbers(), batch.members(), strict=True):
                yield id_, members.refs if members else []

    def use(self, node: int) -> None:
        """Count one more use of a node. All of them must be counted before the first way is cut."""
        self._uses[node] += 1

    def position(self, node: int) -> Position | None:
        """None if it is not known or outside of the box."""
        position = self._positions.get(node)
        if position is None or (self._box is not None and not self._box.meets([position])):
            return None
        return position

    # --- pieces -----------------------------------------------------------------------------------------------------

    def cut(self) -> dict[int, list[Piece]]:
        """The pieces of each way, in its direction; ways that cannot be cut are left out."""
        pieces = {
            way: list(self._pieces(refs))
            for way, refs in self._refs.items()
            if refs and all(ref in self._positions for ref in refs)
        }
        self._execution.check_limits()
        parallel: dict[tuple[int, int], list[Piece]] = defaultdict(list)
        for way in sorted(pieces):
            for piece in pieces[way]:
                parallel[piece.first, piece.last].append(piece)
        for same_ends in parallel.values():
            if len(same_ends) > 1:
                for number, piece in enumerate(same_ends, 1):
                    piece.local_id = number
        return pieces

    def _pieces(self, refs: list[int]) -> Iterator[Piece]:
        start = 0
        for i, ref in enumerate(refs):
            if 0 < i < len(refs) - 1 and (ref in self.local_ids or self._uses[ref] > 1):
                yield self._piece(refs[start : i + 1])
                start = i
        yield self._piece(refs[start:] if len(refs) > 1 else refs * 2)

    def _piece(self, refs: list[int]) -> Piece:
        positions = [self._positions[ref] for ref in refs]
        visible = self._box is None or self._box.meets(positions)
        return Piece(refs[0], refs[-1], positions if visible else [])


def _numbers_at_one_place(positions: dict[int, Position]) -> dict[int, int]:
    nodes_at: dict[Position, list[int]] = defaultdict(list)
    for node in sorted(positions):
        nodes_at[positions[node]].append(node)
    return {node: number for nodes in nodes_at.values() if len(nodes) > 1 for number, node in enumerate(nodes, 1)}
