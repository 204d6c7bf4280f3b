"""A relation is in a place if a node or way member is, however its members are looked for."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from small_map import bring_in, elements, node, osm, osm_change, relation, way

from osm3s.eval import members_in_place

ALL = ",".join(map(str, range(1, 120)))
PLACES = (
    "50.00013,7.00017,50.00051,7.00063",
    "49.9,6.9,50.1,7.1",
    "50.00013,7.00017,50.00014,7.00018",
    "60,7,61,8",
    "around:25,50.00052,7.00047",
    'poly:"50.000105 7.000105 50.000705 7.000155 50.000455 7.000855"',
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chance = random.Random(5)
    nodes = [node(id_, (50 + chance.random() / 1000, 7 + chance.random() / 1000)) for id_ in range(1, 400)]
    ways = [way(id_, chance.sample(range(1, 420), 3)) for id_ in range(1, 100)]
    relations = []
    for id_ in range(1, 120):
        n_members = chance.choice((0, 1, 2, 5))
        members = [(chance.choice(("node", "way", "relation")), chance.randrange(1, 110)) for _ in range(n_members)]
        relations.append(relation(id_, members))
    root = tmp_path_factory.mktemp("members") / "db"
    bring_in(root, osm(*nodes, *ways, *relations), "2020-01-02T00:00:00Z", "attic")
    moved = [node(id_, (50 + chance.random() / 1000, 7 + chance.random() / 1000)) for id_ in range(40, 80)]
    gone = [node(id_, (50, 7)) for id_ in range(80, 90)]
    change = osm_change(modify=[*moved, way(7, [1, 2, 3]), relation(9, [("way", 7)])], delete=gone)
    bring_in(root, change, "2020-01-03T00:00:00Z", "attic")
    return root


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("date", ["", '[date:"2020-01-02T12:00:00Z"]'])
@pytest.mark.parametrize("most_elements", [0, 1 << 40])
def test_relations_in_places(
    root: Path, monkeypatch: pytest.MonkeyPatch, place: str, date: str, most_elements: int
) -> None:
    """`most_elements` chooses between looking up the members and reading the blocks of the place."""
    monkeypatch.setattr(members_in_place, "ELEMENTS_PER_RELATION", most_elements)
    monkeypatch.setattr(members_in_place, "ELEMENTS_PER_MEMBER", most_elements)
    settings = f"[out:json]{date};"
    there = {(e["type"], e["id"]) for e in elements(root, f"{settings}(node({place});way({place}););out ids;")}
    expected = [
        e["id"]
        for e in elements(root, f"{settings}rel(id:{ALL});out body;")
        if any((member["type"], member["ref"]) in there for member in e.get("members", []))
    ]
    assert [e["id"] for e in elements(root, f"{settings}rel({place});out ids;")] == expected
    assert [e["id"] for e in elements(root, f"{settings}nwr({place});out ids;") if e["type"] == "relation"] == expected
    assert bool(expected) == ("60,7" not in place)
