"""Elements around the borders of areas, where a difference is most likely: on border nodes and beside them, on edges,
ways through corners, along edges, and ways that only touch. They are added to a map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import osmium

Position = tuple[int, int]
"""Latitude and longitude in 1e-7 degree."""
STEPS = (1, 2, 10, 1000, 100_000)


@dataclass(slots=True)
class Added:
    """New elements; numbers of nodes and ways begin at 0."""

    nodes: list[Position] = field(default_factory=list)
    ways: list[list[int]] = field(default_factory=list)
    relations: list[list[tuple[str, int]]] = field(default_factory=list)

    def add_near(self, ring: Sequence[Position], rng: Random) -> None:
        """Some around one vertex of a closed ring."""
        i = rng.randrange(len(ring) - 1)
        corner, after = ring[i], ring[i + 1]
        farther = ring[(i + 2) % (len(ring) - 1)]
        middle = ((corner[0] + after[0]) // 2, (corner[1] + after[1]) // 2)
        step = (rng.choice(STEPS) * rng.choice((-1, 0, 1)), rng.choice(STEPS) * rng.choice((-1, 1)))
        before, behind = _moved(corner, step, -1), _moved(corner, step, 1)
        first_node, first_way = len(self.nodes), len(self.ways)
        at, next_, third, half, one, other, beside = (
            self._node(place)
            for place in (corner, after, farther, middle, before, behind, _moved(middle, (rng.choice((-1, 1)), 0), 1))
        )
        shapes = (
            [one, at, other],  # through the corner, with a node there
            [one, other],  # without
            [at, one],  # touches
            [half, beside],
            [one, half],
            [at, next_],  # along an edge
            [at, half],
            [at, next_, third],
            [at, third],
            [half, other, at, half],  # closed
        )
        self.ways += rng.sample(shapes, 4)
        for _ in range(2):
            members = [("n", rng.randrange(first_node, len(self.nodes)))] if rng.random() < 0.6 else []
            members += [("w", rng.randrange(first_way, len(self.ways)))] if not members or rng.random() < 0.5 else []
            self.relations.append(members)

    def _node(self, place: Position) -> int:
        self.nodes.append(place)
        return len(self.nodes) - 1


def _moved(place: Position, step: Position, times: int) -> Position:
    lat, lon = place[0] + times * step[0], place[1] + times * step[1]
    return max(-900_000_000, min(900_000_000, lat)), max(-1_800_000_000, min(1_800_000_000, lon))


def write_with(source: Path, added: Added, target: Path) -> None:
    """Write a map with more elements, their ids above those it has."""
    highest = {"n": 0, "w": 0, "r": 0}
    for element in osmium.FileProcessor(str(source)):
        highest[element.type_str()] = max(highest[element.type_str()], element.id)
    target.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(target)) as writer:
        for kind, entities, more in (
            ("n", osmium.osm.NODE, _nodes),
            ("w", osmium.osm.WAY, _ways),
            ("r", osmium.osm.RELATION, _relations),
        ):
            for element in osmium.FileProcessor(str(source), entities):
                writer.add(element)
            for number, element in enumerate(more(added, highest)):
                element.id, element.version = highest[kind] + 1 + number, 1
                writer.add(element)


def _nodes(added: Added, highest: dict[str, int]) -> Iterator[Any]:
    for lat, lon in added.nodes:
        yield osmium.osm.mutable.Node(location=(lon / 1e7, lat / 1e7))


def _ways(added: Added, highest: dict[str, int]) -> Iterator[Any]:
    for way in added.ways:
        yield osmium.osm.mutable.Way(nodes=[highest["n"] + 1 + node for node in way])


def _relations(added: Added, highest: dict[str, int]) -> Iterator[Any]:
    for members in added.relations:
        yield osmium.osm.mutable.Relation(members=[(kind, highest[kind] + 1 + number, "") for kind, number in members])
