"""Random small maps: shared nodes, missing members, cycles of relations, places that coincide, odd tags and users."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from . import vocabulary
from .dataset import DataSet, Element, Member, Version

DEGREE = 10**7
CENTRES = (
    *((51, 7),) * 60, *((0, 0),) * 8, *((-33.87, 151.2),) * 10, *((64.1, -21.9), (-54.8, -68.3)) * 4,
    *((85.05112878, 0), (45.0065536, 10.0065536)) * 2, (52, 179.999), (-17, -179.999), (0, 180), (89.999, 10), (-90, 0),
)  # fmt: skip
SPREADS = (*(0.0002, 0.003, 0.01, 0.01, 0.01, 0.1) * 8, 1, 20)
WORLD_SHARE = 0.005
LEVELS = ("meta",) * 8 + ("data", "attic")


def random_data(rng: Random) -> DataSet:
    return _Maker(rng).make()


class _Maker:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.complete = rng.random() < 0.75
        self.centre = rng.choice(CENTRES)
        self.spread = rng.choice(SPREADS)
        if rng.random() < WORLD_SHARE:
            self.centre, self.spread = (0, 0), 89
        self.on_grid = rng.random() < 0.4
        self.node_ids = self._ids(rng.choice((3, 8, 20, 40)), large=2**32 - 10)
        self.way_ids = self._ids(rng.choice((1, 2, 6, 12)), large=2**31 - 10)
        self.relation_ids = self._ids(rng.choice((1, 2, 4, 8)), large=2**31 - 10)
        self.missing_node_ids = self._ids(3)
        self.plain = rng.random() < 0.5

    def make(self) -> DataSet:
        nodes = [self._node(id_) for id_ in self.node_ids]
        ways = [self._way(id_) for id_ in self.way_ids]
        relations = [self._relation(id_) for id_ in self.relation_ids]
        for elements in (nodes, ways, relations):  # the reference fails where it has nothing at all to look into
            elements[0] = replace(elements[0], tags=elements[0].tags or (("a", "1"),))
        return DataSet((*nodes, *ways, *relations), self.rng.choice(LEVELS))

    def _ids(self, n: int, large: int = 0) -> list[int]:
        rng = self.rng
        first = large if large and rng.random() < 0.15 else rng.choice((1, 1, 1, 1000, 70000))
        return sorted(rng.sample(range(first, first + 3 * n + 3), n))

    # --- elements --------------------------------------------------------------------------------------------------

    def _node(self, id_: int) -> Element:
        lat_e7, lon_e7 = self._position()
        tags = self._tags() if self.rng.random() < 0.5 else ()
        return Element("node", id_, lat_e7, lon_e7, tags=tags, version=self._version())

    def _position(self) -> tuple[int, int]:
        """In e-7 degrees. On the grid, nodes often coincide or share a line with others."""
        rng = self.rng
        if self.on_grid:
            offsets = [rng.randint(-3, 3) / 3 * self.spread for _ in "yx"]
        else:
            offsets = [rng.uniform(-1, 1) * self.spread for _ in "yx"]
        lat = max(-89.9999, min(89.9999, self.centre[0] + offsets[0]))  # nothing is found at the very pole
        lon = max(-179.9999, min(179.9999, self.centre[1] + offsets[1]))  # beyond it there are deviations
        return round(lat * DEGREE), round(lon * DEGREE)

    def _way(self, id_: int) -> Element:
        rng = self.rng
        ids = self.node_ids if self.complete else [*self.node_ids, *self.missing_node_ids]
        refs = [rng.choice(ids) for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 5, 8, 12)))]
        if len(refs) > 2 and rng.random() < 0.4:
            refs[-1] = refs[0]
        if rng.random() < 0.7:  # a way that stands still is allowed, but rare
            refs = [ref for i, ref in enumerate(refs) if i == 0 or ref != refs[i - 1]]
        return Element("way", id_, refs=tuple(refs), tags=self._tags(), version=self._version())

    def _relation(self, id_: int) -> Element:
        rng = self.rng
        members = []
        for _ in range(rng.choice((0, 1, 2, 3, 5, 8))):
            kind = rng.choice(("node", "way", "way", "relation"))
            ids = {"node": self.node_ids, "way": self.way_ids, "relation": self.relation_ids}[kind]
            if not self.complete and rng.random() < 0.1:
                ids = [*ids, self.missing_node_ids[0]]
            if ids:
                members.append(Member(kind, rng.choice(ids), rng.choice(vocabulary.ROLES)))
        return Element("relation", id_, members=tuple(members), tags=self._tags(), version=self._version())

    # --- properties ------------------------------------------------------------------------------------------------

    def _tags(self) -> tuple[tuple[str, str], ...]:
        rng = self.rng
        tags = {}
        for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 5))):
            plain = self.plain or rng.random() < 0.6
            key = rng.choice(vocabulary.PLAIN_KEYS if plain else vocabulary.KEYS)
            tags[key] = rng.choice(vocabulary.PLAIN_VALUES if rng.random() < 0.4 else vocabulary.VALUES)
        return tuple(tags.items())

    def _version(self) -> Version:
        rng = self.rng
        uid = rng.choice(list(vocabulary.USERS))
        time = (
            f"20{rng.randint(10, 20)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}T{rng.randint(0, 23):02d}:00:00Z"
        )
        return Version(rng.choice((1, 1, 2, 17, 70000)), time, rng.choice((1, 2, 99999999)), uid, vocabulary.USERS[uid])
