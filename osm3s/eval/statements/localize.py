"""`local l|ll|llb(south,west,north,east);`: a set as nodes, pieces of ways and chains of members, each an object that
can be understood without the rest of the map.

`l`: what has a place and tags. `ll`: also ways without nodes and members of relations that are relations. `llb`: also
what has no tags, and with the ids of the elements that it comes from.

A member that is a node without known position is a trigraph without geometry; the reference puts it at 100, 0.

Example: `way(13);(._;>;);local ll(51,7,51.03,7.03);out tags geom;`
Cost: the geometry of every element of the set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from osm3s.eval.batch import element_batches, prepare
from osm3s.eval.execution import Execution
from osm3s.eval.items import MemberList, Tags
from osm3s.eval.localization import Localization, Piece
from osm3s.eval.spatial import BBox
from osm3s.ffi.element_set import NODE, RELATION, WAY, ElementSet
from osm3s.output.derived import Derived, Geometry, Line, Point, Position
from osm3s.ql.numbers import float_prefix
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    set_, result = execution.read(element.get("from")), ElementSet()
    prepare(execution, set_, tags=True, meta=False)
    with execution.holding(result):
        result.put_deriveds(_Localizing(execution, set_, element).deriveds())
    execution.sets[element.get("into")] = result


class _Localizing:
    """One run of the statement."""

    def __init__(self, execution: Execution, set_: ElementSet, element: Element) -> None:
        sides = [element.get(side) for side in "swne"]
        self._everywhere = not any(sides)
        self._execution = execution
        self._set = set_
        self._with_loose = element.get("type") in ("ll", "llb")
        self._with_all = element.get("type") == "llb"
        box = None if self._everywhere else BBox(*map(float_prefix, sides))
        self._localization = Localization(execution, set_, box)
        self._pieces: dict[int, list[Piece]] = {}

    def deriveds(self) -> Iterator[Derived]:
        yield from self._vertices()
        self._pieces = self._localization.cut()  # not before all uses of nodes are counted
        yield from self._links()
        if self._with_loose:
            yield from self._loose_links()
        yield from self._trigraphs()

    def _elements(self, element_type: int) -> Iterator[tuple[int, Tags, MemberList | None]]:
        """Id, tags and members of the elements of the set that matter, in quadtile order."""
        for batch in element_batches(self._execution, self._set, element_type, quadtile=True):
            for id_, tags, members in zip(batch.id_numbers(), batch.tags(), batch.members(), strict=True):
                if tags or self._with_all:
                    yield id_, tags, members

    def _derive(self, kind: str, geometry: Geometry | None, tags: Tags, numbers: dict[str, int]) -> Derived:
        """The tags of an element, set apart from the numbers that are added; those that are 0 are left out."""
        own = [(f"_{key}" if key.startswith("_") else key, value) for key, value in tags]
        added = [(key, str(number)) for key, number in numbers.items() if number]
        return Derived(kind, self._execution.next_derived_id(), sorted(own + added, key=_bytes_of), geometry)

    def _vertices(self) -> Iterator[Derived]:
        local_ids = self._localization.local_ids
        for id_, tags, _ in self._elements(NODE):
            if tags:
                self._localization.use(id_)
            position = self._localization.position(id_)
            if position is not None:
                numbers = {"_local_id": local_ids.get(id_, 0), "_node_ref": id_ if self._with_all else 0}
                yield self._derive("vertex", Point(*position), tags, numbers)

    def _links(self) -> Iterator[Derived]:
        local_ids = self._localization.local_ids
        for id_, tags, _ in self._elements(WAY):
            for piece in self._pieces.get(id_, []):
                if piece.positions:
                    numbers = {
                        "_local_from": local_ids.get(piece.first, 0),
                        "_local_to": local_ids.get(piece.last, 0),
                        "_local_id": piece.local_id,
                        "_way_ref": id_ if self._with_all else 0,
                    }
                    yield self._derive("link", Line(piece.positions), tags, numbers)

    def _loose_links(self) -> Iterator[Derived]:
        for id_, tags, members in self._elements(WAY):
            if members is None or not members.refs:
                yield self._derive("link", None, tags, {"_way_ref": id_ if self._with_all else 0})

    # --- relations --------------------------------------------------------------------------------------------------

    def _trigraphs(self) -> Iterator[Derived]:
        for id_, tags, members in self._elements(RELATION):
            if members is not None:
                self._execution.check_limits()
                yield from self._chain(id_, tags, members)

    def _chain(self, relation: int, tags: Tags, members: MemberList) -> list[Derived]:
        """What the members of a relation become; what follows on each other without a gap is linked."""
        found: list[Derived] = []
        last: Derived | None = None
        end: Position | None = None
        """Where the last way ends."""
        for i, (member_type, ref) in enumerate(zip(members.types, members.refs, strict=True)):
            parts: Sequence[tuple[Geometry | None, dict[str, int]] | None]
            if member_type == WAY:
                pieces = self._pieces.get(ref, [])
                if not pieces:
                    last = None
                    continue
                following = self._following(members, i + 1)
                pieces = _in_direction(pieces, end if last else None, following)
                parts = [self._part_of_way(piece) if piece.positions else None for piece in pieces]
                end = pieces[-1].positions[-1] if pieces[-1].positions else None
            elif member_type == NODE:
                parts = [self._part_of_node(ref)]
            else:
                parts = [(None, {})] if self._with_loose else [None]
            for part in parts:
                if part is None:
                    last = None
                    continue
                geometry, numbers = part
                if self._with_all:
                    numbers |= {_CHILD[member_type]: ref, "_relation_ref": relation}
                if last:
                    numbers["_previous"] = last.id
                derived = self._derive("trigraph", geometry, tags, numbers)
                if last:
                    last.tags.append(("_next", str(derived.id)))
                found.append(derived)
                last = derived
        return found

    def _following(self, members: MemberList, i: int) -> list[Piece]:
        """The pieces of the next member if that is a way."""
        return self._pieces.get(members.refs[i], []) if i < len(members.refs) and members.types[i] == WAY else []

    def _part_of_node(self, node: int) -> tuple[Geometry | None, dict[str, int]] | None:
        position = self._localization.position(node)
        if position is None and not self._everywhere:
            return None
        geometry = None if position is None else Point(*position)
        return geometry, {"_local_ref": self._localization.local_ids.get(node, 0)}

    def _part_of_way(self, piece: Piece) -> tuple[Geometry, dict[str, int]]:
        local_ids = self._localization.local_ids
        numbers = {
            "_vertex_local_from": local_ids.get(piece.first, 0),
            "_vertex_local_to": local_ids.get(piece.last, 0),
            "_local_ref": piece.local_id,
        }
        return Line(piece.positions), numbers


_CHILD = {NODE: "_child_node_ref", WAY: "_child_way_ref", RELATION: "_child_relation_ref"}


def _bytes_of(tag: tuple[str, str]) -> tuple[bytes, bytes]:
    return tag[0].encode("utf-8", "surrogateescape"), tag[1].encode("utf-8", "surrogateescape")


def _in_direction(pieces: list[Piece], before: Position | None, following: list[Piece]) -> list[Piece]:
    """The pieces of a way in the direction in which it continues what is `before`, or leads to what is `following`."""
    first, last = pieces[0].positions, pieces[-1].positions
    backwards = False
    if before is not None and first and first[0] == before:
        pass
    elif before is not None and last and last[-1] == before:
        backwards = True
    else:
        ends = [*(p.positions[0] for p in following[:1] if p.positions)]
        ends += [p.positions[-1] for p in following[-1:] if p.positions]
        backwards = not (last and last[-1] in ends) and bool(first) and first[0] in ends
    if not backwards:
        return pieces
    return [
        replace(piece, first=piece.last, last=piece.first, positions=piece.positions[::-1]) for piece in pieces[::-1]
    ]
