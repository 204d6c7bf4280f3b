"""Random small maps: shared nodes, missing members, cycles of relations, places that coincide, odd tags and users."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from . import vocabulary
from .dataset import KINDS, Change, DataSet, Element, Member, Version
from .random_shapes import random_shapes

DEGREE = 10**7
CHANGED_SHARE = 0.6
CENTRES = (
    *((51, 7),) * 60, *((0, 0),) * 8, *((-33.87, 151.2),) * 10, *((64.1, -21.9), (-54.8, -68.3)) * 4,
    *((85.05112878, 0), (45.0065536, 10.0065536)) * 2, (52, 179.999), (-17, -179.999), (0, 180), (89.999, 10), (-90, 0),
)  # fmt: skip
SPREADS = (*(0.0002, 0.003, 0.01, 0.01, 0.01, 0.1) * 16, 1, 20)
WORLD_SHARE = 0.005
LEVELS = ("meta",) * 4 + ("attic",) * 4 + ("data",)
AREAS_SHARE = 0.25
TILE_E7 = 2**16
"""Height and width of the squares in which the reference cuts up ways and areas; what crosses their borders is inside
an area or outside by chance."""


def random_data(rng: Random) -> DataSet:
    return _Maker(rng).make()


def _middle(place_e7: int) -> int:
    """Of the tile."""
    return place_e7 // TILE_E7 * TILE_E7 + TILE_E7 // 2


class _Maker:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.level = rng.choice(LEVELS)
        self.with_changes = self.level != "data" and rng.random() < CHANGED_SHARE
        self.with_areas = rng.random() < AREAS_SHARE
        self.complete = self.with_changes or self.with_areas or rng.random() < 0.7
        self.centre = rng.choice(CENTRES)
        self.spread = rng.choice(SPREADS)
        if rng.random() < WORLD_SHARE:
            self.centre, self.spread = (0, 0), 89
        self.on_grid = rng.random() < 0.4
        self.large_ids_share = 0.15
        if self.with_areas:  # inside of one tile, and the ids of areas fit into 32 bits
            self.large_ids_share = 0
            lat_e7, lon_e7 = (round(rng.choice((51, -33.87, 0, 64)) * DEGREE), round(rng.choice((7, 0, -68)) * DEGREE))
            self.centre = (_middle(lat_e7 + 91 * DEGREE) / DEGREE - 91, _middle(lon_e7) / DEGREE)
            self.spread, self.on_grid = rng.choice((0.0002, 0.003)), False
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
        plain = {element.key for element in (*nodes, *ways, *relations)}
        if self.with_areas:
            random_shapes(self.rng, self.centre, self.spread, nodes, ways, relations)
        data = DataSet((*nodes, *ways, *relations), self.level, areas=self.with_areas)
        return self._changed(data, plain) if self.with_changes else data

    # --- what happens to it ----------------------------------------------------------------------------------------

    def _changed(self, data: DataSet, plain: set[tuple[int, int]]) -> DataSet:
        """What an element refers to is always older than the element, so that nothing is missing at any time. Elements
        that are not `plain` stay."""
        data = replace(data, elements=tuple(map(self._aged, data.elements)), index={})
        for year in range(2021, self.rng.choice((2022, 2023, 2024))):
            data = replace(data, changes=(*data.changes, self._change(data, year, plain)), index={})
        return data

    def _aged(self, element: Element) -> Element:
        first_year = 2010 + 3 * KINDS.index(element.kind)
        return self._as_of(element, first_year, first_year + 2)

    def _as_of(self, element: Element, first_year: int, last_year: int) -> Element:
        version = self._version()
        time = f"{self.rng.randint(first_year, last_year)}{version.timestamp[4:]}"
        return replace(element, version=replace(version, number=element.version.number, timestamp=time))

    def _change(self, data: DataSet, year: int, plain: set[tuple[int, int]]) -> Change:
        """Nodes come first and go last."""
        rng = self.rng
        there = data.current()
        changeable = [element for element in there if element.key in plain]
        self.node_ids = [element.id for element in there if element.kind == "node"]
        new = [self._node(max(self.node_ids) + rng.randint(1, 3))]
        self.node_ids += [element.id for element in new]
        changed = [self._another(element) for element in changeable if rng.random() < 0.25]
        ways = [element for element in changeable if element.kind == "way"]
        if all(element.kind != "way" for element in changed):  # then the reference forgets where ways are
            changed.append(self._another(rng.choice(ways)))
        after = {element.key: element for element in (*there, *changed)}.values()
        used = {("node", ref) for element in after for ref in element.refs}
        used |= {(member.kind, member.ref) for element in after for member in element.members}
        unused = [e for e in after if (e.kind, e.id) not in used and e.key in plain and e.key != ways[0].key]
        gone = [
            replace(element, deleted=True, tags=(), refs=(), members=()) for element in unused if rng.random() < 0.2
        ]
        elements = {element.key: element for element in (*new, *changed, *gone)}
        return Change(f"{year}-12-31T00:00:00Z", tuple(self._in_order(e, year) for e in elements.values()))

    def _another(self, element: Element) -> Element:
        """The next version: one thing is different, or nothing is."""
        again = {"node": self._node, "way": self._way, "relation": self._relation}[element.kind](element.id)
        choice = self.rng.random()
        if choice < 0.4:
            return replace(element, tags=again.tags)
        if choice < 0.9:
            return replace(again, tags=element.tags, version=element.version)
        return element

    def _in_order(self, element: Element, year: int) -> Element:
        """Dated within the year."""
        rng = self.rng
        month = 12 if element.deleted else {"node": 1, "way": 5, "relation": 9}[element.kind] + rng.randint(0, 2)
        version = self._version()
        time = f"{year}-{month:02d}-{rng.randint(1, 28):02d}T{rng.randint(0, 23):02d}:00:00Z"
        before = element.version.number
        return replace(element, version=replace(version, number=before + 1, timestamp=time))

    def _ids(self, n: int, large: int = 0) -> list[int]:
        rng = self.rng
        first = large if large and rng.random() < self.large_ids_share else rng.choice((1, 1, 1, 1000, 70000))
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
        if self.with_areas and len(set(refs)) == 1:  # for a way without extent, the reference knows no borders
            refs = self.node_ids[:2]
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
