"""`a ? b : c` of geometries: what no element takes is not computed, since an edge to a pole may take very long."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_map import bring_in, elements, node, osm

from osm3s.eval.evaluators import rings

POLYGON = "poly(lstr(pt(80,0),pt(81,10),pt(80,20),pt(80,0)))"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    bring_in(tmp_path / "db", osm(node(1, (1.0, 2.0)), node(2, (3.0, 4.0), tags="a=b")), "2020-01-01T00:00:00Z")
    return tmp_path / "db"


@pytest.mark.parametrize("choice", [f"0 ? {POLYGON} : pt(5,6)", f"1 ? pt(5,6) : {POLYGON}"])
def test_a_branch_that_nobody_takes(choice: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    monkeypatch.setattr(rings, "interpolated", lambda _start, end: computed.append(end) or [end])
    (made,) = elements(root, f"make x ::geom=({choice});out geom;")
    assert made["geometry"] == {"type": "Point", "coordinates": [6.0, 5.0]}
    assert computed == []
    elements(root, f"make x ::geom={POLYGON};out geom;")
    assert computed != []


def test_each_element_takes_its_own(root: Path) -> None:
    made = elements(root, 'node(id:1,2);convert x ::id=id(),::geom=(t["a"]=="b" ? pt(7,8) : geom());out geom;')
    assert [object_["geometry"]["coordinates"] for object_ in made] == [[2.0, 1.0], [8.0, 7.0]]
