"""Random outlines that can become areas: closed ways, and multipolygons with several outlines and holes."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, radians, sin
from random import Random

from . import vocabulary
from .dataset import Element, Member

DEGREE = 10**7
BROKEN_SHARE = 0.1


def random_shapes(
    rng: Random,
    centre: tuple[float, float],
    spread: float,
    nodes: list[Element],
    ways: list[Element],
    relations: list[Element],
) -> None:
    """Add some to the elements, within `spread` degrees of `centre`; one is the outline of an area in any case."""
    maker = _Maker(rng, nodes, ways, relations)
    for i in range(rng.choice((1, 2, 3))):
        lat, lon = (side + rng.uniform(-0.5, 0.5) * spread for side in centre)
        outline = _Star(lat, lon, rng.uniform(0.2, 0.5) * spread)
        if i == 0 or rng.random() < 0.3:
            ring = maker.ring(outline)
            maker.way([*ring, ring[0]], (("a", "a"),) if i == 0 else ())
        else:
            maker.multipolygon(outline)


@dataclass(slots=True)
class _Star:
    """An outline that can be seen as a whole from its middle; degrees."""

    lat: float
    lon: float
    radius: float


class _Maker:
    def __init__(self, rng: Random, nodes: list[Element], ways: list[Element], relations: list[Element]) -> None:
        self.rng = rng
        self.nodes = nodes
        self.ways = ways
        self.relations = relations

    def ring(self, star: _Star) -> list[int]:
        """The ids of new nodes around it, each once."""
        rng = self.rng
        n = rng.choice((3, 4, 5, 8))
        start = rng.uniform(0, 2 * pi)
        first = self.nodes[-1].id + 1
        for i in range(n):
            angle = start + (i + rng.uniform(-0.3, 0.3)) * 2 * pi / n
            reach = star.radius * rng.uniform(0.7, 1)
            lat = star.lat + reach * sin(angle)
            lon = star.lon + reach * cos(angle) / max(cos(radians(star.lat)), 0.1)
            self.nodes.append(Element("node", first + i, round(lat * DEGREE), round(lon * DEGREE)))
        ids = list(range(first, first + n))
        return ids if rng.random() < 0.5 else ids[::-1]

    def way(self, refs: list[int], tags: tuple[tuple[str, str], ...] = ()) -> int:
        if self.rng.random() < 0.7 and not tags:
            tags = (("a", self.rng.choice(vocabulary.PLAIN_VALUES)),)
        self.ways.append(Element("way", self.ways[-1].id + 1, refs=tuple(refs), tags=tags))
        return self.ways[-1].id

    def multipolygon(self, outline: _Star) -> None:
        rng = self.rng
        members = self._outline(self.ring(outline), "outer")
        if rng.random() < 0.5:
            hole = _Star(outline.lat, outline.lon, outline.radius * 0.3)
            members += self._outline(self.ring(hole), "inner")
        if rng.random() < BROKEN_SHARE:
            members.pop()
        rng.shuffle(members)
        name = rng.choice(vocabulary.VALUES)
        tags = (("name", name), ("type", rng.choice(("multipolygon", "multipolygon", "boundary"))))
        self.relations.append(Element("relation", self.relations[-1].id + 1, members=tuple(members), tags=tags))

    def _outline(self, ring: list[int], role: str) -> list[Member]:
        """Of one way, or cut into some."""
        rng = self.rng
        closed = [*ring, ring[0]]
        cuts = sorted(rng.sample(range(1, len(ring)), rng.choice((0, 1, 2))))
        parts = [closed[start : end + 1] for start, end in zip([0, *cuts], [*cuts, len(ring)], strict=True)]
        parts = [part if rng.random() < 0.5 else part[::-1] for part in parts]
        return [Member("way", self.way(part), role if rng.random() < 0.8 else "") for part in parts]
