"""The statement `local`. The expected objects are those of the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_map import bring_in, elements, node, osm, relation, way

TIME = "2020-01-01T00:00:00Z"
WORLD = osm(
    node(1, (50, 8)),
    node(2, (50, 8.001)),
    node(3, (50, 8.002), TIME, "crossing=yes"),
    node(4, (50, 8.003)),
    node(5, (50.001, 8.003)),
    node(6, (50, 8.003), TIME, "_x=y"),
    node(7, (50.002, 8.003)),
    way(1, [1, 2, 3, 4], TIME, "highway=a"),
    way(2, [5, 4], TIME, "highway=b"),
    way(3, [5, 7, 4]),
    way(4, [5, 4]),
    way(5, [], TIME, "empty=yes"),
    way(6, [1, 99], TIME, "broken=yes"),
    relation(1, [("way", 1), ("way", 2), ("node", 5), ("relation", 2), ("way", 6), ("node", 7)], TIME, "type=route"),
    relation(2, [("way", 3)]),
)
EVERYTHING = "(node(id:1,2,3,4,5,6,7);way(id:1,2,3,4,5,6);rel(id:1,2););"

TAGGED = """
vertex 1 (50.0 8.002) crossing=yes
vertex 2 (50.0 8.003) __x=y _local_id=2
link 3 (50.0 8.0, 50.0 8.001, 50.0 8.002) highway=a
link 4 (50.0 8.002, 50.0 8.003) _local_to=1 highway=a
link 5 (50.001 8.003, 50.0 8.003) _local_id=1 _local_to=1 highway=b
trigraph 6 (50.0 8.0, 50.0 8.001, 50.0 8.002) type=route _next=7
trigraph 7 (50.0 8.002, 50.0 8.003) _previous=6 _vertex_local_to=1 type=route _next=8
trigraph 8 (50.0 8.003, 50.001 8.003) _local_ref=1 _previous=7 _vertex_local_from=1 type=route _next=9
trigraph 9 (50.001 8.003) _previous=8 type=route
trigraph 10 (50.002 8.003) type=route
"""
LOOSE = """
vertex 1 (50.0 8.002) crossing=yes
vertex 2 (50.0 8.003) __x=y _local_id=2
link 3 (50.0 8.0, 50.0 8.001, 50.0 8.002) highway=a
link 4 (50.0 8.002, 50.0 8.003) _local_to=1 highway=a
link 5 (50.001 8.003, 50.0 8.003) _local_id=1 _local_to=1 highway=b
link 6 () empty=yes
trigraph 7 (50.0 8.0, 50.0 8.001, 50.0 8.002) type=route _next=8
trigraph 8 (50.0 8.002, 50.0 8.003) _previous=7 _vertex_local_to=1 type=route _next=9
trigraph 9 (50.0 8.003, 50.001 8.003) _local_ref=1 _previous=8 _vertex_local_from=1 type=route _next=10
trigraph 10 (50.001 8.003) _previous=9 type=route _next=11
trigraph 11 () _previous=10 type=route
trigraph 12 (50.002 8.003) type=route
"""
ALL = """
vertex 1 (50.0 8.0) _node_ref=1
vertex 2 (50.0 8.001) _node_ref=2
vertex 3 (50.0 8.002) _node_ref=3 crossing=yes
vertex 4 (50.0 8.003) _local_id=1 _node_ref=4
vertex 5 (50.0 8.003) __x=y _local_id=2 _node_ref=6
vertex 6 (50.001 8.003) _node_ref=5
vertex 7 (50.002 8.003) _node_ref=7
link 8 (50.0 8.0, 50.0 8.001, 50.0 8.002) _way_ref=1 highway=a
link 9 (50.0 8.002, 50.0 8.003) _local_to=1 _way_ref=1 highway=a
link 10 (50.001 8.003, 50.0 8.003) _local_id=1 _local_to=1 _way_ref=2 highway=b
link 11 (50.001 8.003, 50.002 8.003, 50.0 8.003) _local_id=2 _local_to=1 _way_ref=3
link 12 (50.001 8.003, 50.0 8.003) _local_id=3 _local_to=1 _way_ref=4
link 13 () _way_ref=5 empty=yes
trigraph 14 (50.0 8.0, 50.0 8.001, 50.0 8.002) _child_way_ref=1 _relation_ref=1 type=route _next=15
trigraph 15 (50.0 8.002, 50.0 8.003) _child_way_ref=1 _previous=14 _relation_ref=1 _vertex_local_to=1 type=route \
_next=16
trigraph 16 (50.0 8.003, 50.001 8.003) _child_way_ref=2 _local_ref=1 _previous=15 _relation_ref=1 _vertex_local_from=1 \
type=route _next=17
trigraph 17 (50.001 8.003) _child_node_ref=5 _previous=16 _relation_ref=1 type=route _next=18
trigraph 18 () _child_relation_ref=2 _previous=17 _relation_ref=1 type=route
trigraph 19 (50.002 8.003) _child_node_ref=7 _relation_ref=1 type=route
trigraph 20 (50.001 8.003, 50.002 8.003, 50.0 8.003) _child_way_ref=3 _local_ref=2 _relation_ref=2 _vertex_local_to=1
"""
IN_A_BOX = """
vertex 1 (50.0 8.002) crossing=yes
link 2 (50.0 8.0, 50.0 8.001, 50.0 8.002) highway=a
link 3 (50.0 8.002, 50.0 8.003) _local_to=1 highway=a
trigraph 4 (50.0 8.0, 50.0 8.001, 50.0 8.002) type=route _next=5
trigraph 5 (50.0 8.002, 50.0 8.003) _previous=4 _vertex_local_to=1 type=route
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("localize") / "db"
    bring_in(path, WORLD, TIME, "data")
    return path


def described(derived: dict[str, Any]) -> str:
    geometry = derived.get("geometry") or {"type": "Point", "coordinates": []}
    places = geometry["coordinates"] if geometry["type"] == "LineString" else [geometry["coordinates"]]
    line = ", ".join(f"{place[1]} {place[0]}" for place in places if place)
    tags = [f"{key}={value}" for key, value in derived["tags"].items()]
    return " ".join([derived["type"], str(derived["id"]), f"({line})", *tags])


def localized(root: Path, statements: str) -> str:
    return "".join(f"\n{described(derived)}" for derived in elements(root, f"{statements}out geom;")) + "\n"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("local;", TAGGED),
        ("local l;", TAGGED),
        ("local ll;", LOOSE),
        ("local llb;", ALL),
        ("local l(49.999,8.0015,50.0005,8.0025);", IN_A_BOX),
    ],
)
def test_everything(root: Path, statement: str, expected: str) -> None:
    assert localized(root, EVERYTHING + statement) == expected


def test_pieces_are_numbered_together_with_those_of_ways_outside_of_the_set(root: Path) -> None:
    expected = "\nlink 1 (50.001 8.003, 50.0 8.003) _local_id=1 _way_ref=2 highway=b\n"
    assert localized(root, "way(2);local llb;") == expected


def test_it_reads_and_writes_named_sets(root: Path) -> None:
    assert localized(root, "node(3)->.a;.a local l->.b;.b ") == "\nvertex 1 (50.0 8.002) crossing=yes\n"
    assert localized(root, "node(3);.unknown local l;") == "\n"


def test_members_that_are_not_there_have_no_place(tmp_path: Path) -> None:
    world = osm(node(1, (1, 1)), relation(1, [("node", 1), ("node", 2)], TIME, "a=b"))
    bring_in(tmp_path / "db", world, TIME, "data")
    assert (
        localized(tmp_path / "db", "rel(1);local l;")
        == "\ntrigraph 1 (1.0 1.0) a=b _next=2\ntrigraph 2 () _previous=1 a=b\n"
    )
