"""A made-up town as a PBF file: the small data set, the same bytes of data on every machine.

A grid of streets; in every block two houses and, in some, a shop or a restaurant; a boundary and bus routes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import osmium
from osmium.osm.mutable import Node, Relation, Way

SOUTH, WEST = 50.0, 8.0
STEP_DEG = 0.001
FIRST_EDIT = datetime(2015, 1, 1, tzinfo=UTC)
AMENITIES = ("restaurant", "cafe", "bench", "pharmacy", "school", "parking")


@dataclass
class Town:
    """Elements by type, each list in order of ids."""

    nodes: list[Node] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)

    def __iter__(self) -> Iterator[Node | Way | Relation]:
        yield from self.nodes
        yield from self.ways
        yield from self.relations


def build_town(streets: int = 60, seed: int = 1) -> Town:
    """A town of `streets` x `streets` blocks: about 10 nodes and 2 ways a block."""
    chance = random.Random(seed)
    town = Town()

    def meta() -> dict[str, Any]:
        uid = chance.randint(1, 40)
        return {
            "version": chance.randint(1, 5),
            "timestamp": FIRST_EDIT + timedelta(minutes=chance.randint(0, 3_000_000)),
            "changeset": chance.randint(1, 90_000),
            "uid": uid,
            "user": f"mapper {uid}",
            "visible": True,
        }

    def add_node(lat: float, lon: float, tags: dict[str, str]) -> int:
        number = len(town.nodes) + 1
        town.nodes.append(Node(id=number, location=(round(lon, 7), round(lat, 7)), tags=tags, **meta()))
        return number

    def add_way(refs: list[int], tags: dict[str, str]) -> int:
        number = len(town.ways) + 1
        town.ways.append(Way(id=number, nodes=refs, tags=tags, **meta()))
        return number

    def add_house(lat: float, lon: float, tags: dict[str, str]) -> None:
        high, wide = STEP_DEG * chance.uniform(0.15, 0.3), STEP_DEG * chance.uniform(0.15, 0.3)
        corners = [add_node(lat + dy, lon + dx, {}) for dy, dx in ((0, 0), (0, wide), (high, wide), (high, 0))]
        add_way([*corners, corners[0]], {"building": "yes", **tags})

    crossings: list[list[int]] = []
    for row in range(streets):
        crossings.append([])
        for column in range(streets):
            lat, lon = SOUTH + row * STEP_DEG, WEST + column * STEP_DEG
            tags = {"highway": "crossing"} if chance.random() < 0.1 else {}
            crossings[row].append(add_node(lat, lon, tags))
            add_house(lat + 0.1 * STEP_DEG, lon + 0.1 * STEP_DEG, {"addr:housenumber": str(column + 1)})
            add_house(lat + 0.6 * STEP_DEG, lon + 0.6 * STEP_DEG, {})
            if chance.random() < 0.3:
                amenity = chance.choice(AMENITIES)
                name = {"name": f"{amenity.title()} {row}-{column}", "name:de": f"{amenity.title()} im Hof {row}"}
                add_node(lat + 0.5 * STEP_DEG, lon + 0.3 * STEP_DEG, {"amenity": amenity, **name})
            if chance.random() < 0.02:
                add_node(
                    lat + 0.5 * STEP_DEG, lon + 0.4 * STEP_DEG, {"shop": "bakery", "name": f"Bakery {row * column}"}
                )
    for column in (0, streets // 2, streets - 1):
        add_node(SOUTH, WEST + column * STEP_DEG - 0.0003, {"historic": "city_gate"})

    rows = [add_way(row, {"highway": "residential", "name": f"Row {n}"}) for n, row in enumerate(crossings)]
    kinds = ("primary", "secondary", "residential")
    for number in range(streets):
        add_way([row[number] for row in crossings], {"highway": kinds[number % 3], "name": f"Column {number}"})
    edge = [row[-1] for row in crossings]
    border = add_way(
        crossings[0] + edge[1:] + crossings[-1][-2::-1] + [row[0] for row in crossings[-2::-1]],
        {"boundary": "administrative"},
    )
    town.relations.append(
        Relation(
            id=1,
            members=[("w", border, "outer")],
            tags={"type": "boundary", "boundary": "administrative", "admin_level": "8", "name": "Town"},
            **meta(),
        )
    )
    for number in range(12):
        members = [("w", way, "") for way in chance.sample(rows, min(4, len(rows)))]
        members += [("n", crossings[number % streets][0], "stop")]
        tags = {"type": "route", "route": "bus", "ref": str(number)}
        town.relations.append(Relation(id=number + 2, members=members, tags=tags, **meta()))
    return town


def write_town(path: Path, streets: int = 60) -> None:
    """Write the town as a PBF file sorted by type and id. An existing file is replaced."""
    header = osmium.io.Header()
    header.set("sorting", "Type_then_ID")
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        for element in build_town(streets):
            writer.add(element)
