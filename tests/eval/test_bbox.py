"""Boxes are closed: what lies on their border is in them, also if they are lines or a place."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_map import bring_in, elements, names, node, osm, way


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bbox") / "db"
    places = [(1.0, 2.0), (1.0, 3.0), (2.0, 2.0), (1.0000001, 2.0), (1.0, 1.9999999)]
    nodes = [node(number, place) for number, place in enumerate(places, 1)]
    bring_in(root, osm(*nodes, way(1, [1, 2]), way(2, [3, 2])), "2020-01-02T00:00:00Z", "data")
    return root


@pytest.mark.parametrize(
    ("box", "found"),
    [
        ("1,2,1,2", "n1 w1"),
        ("1,2,1,3", "n1 n2 w1 w2"),
        ("1,2,2,2", "n1 n3 n4 w1 w2"),
        ("1,1.9999999,1.0000001,2", "n1 n4 n5 w1"),
        ("1,2.5,1,2.5", "w1"),
        ("1.0000001,2.5,1.0000002,2.5000001", ""),
    ],
)
def test_borders_belong_to_boxes(root: Path, box: str, found: str) -> None:
    assert names(root, f"nwr({box});out ids;") == found
    assert names(root, f"nwr[!name]({box});out ids;") == found
    counted = elements(root, f"nwr({box});out count;")[0]["tags"]
    assert (counted["nodes"], counted["ways"]) == (str(found.count("n")), str(found.count("w")))
