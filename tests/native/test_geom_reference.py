"""Geometry against a real reference server: $REFERENCE is its installation prefix (with bin/osm3s_query).

A random database, then random questions. Away from the antimeridian, where the reference is known to lose elements."""

from __future__ import annotations

import math
import os
import random
import subprocess
from pathlib import Path

import pytest
from geometry import Around, Box, Poly, Position, c_box, flat, way_bounds, way_box, way_meets_bbox

from osm3s.ffi import ffi, lib

REGIONS = [(51.0, 7.0, 0.05), (51.0, 7.0, 0.5), (-33.9, 151.2, 0.1), (65.0, -18.0, 3.0), (0.0, 0.0, 1.0)]
Ids = dict[str, set[int]]


def e7(degrees: float) -> int:
    return round(degrees * 1e7)


class Reference:
    def __init__(self, prefix: Path, directory: Path, draw: random.Random) -> None:
        self.query_program, self.directory = prefix / "bin" / "osm3s_query", directory
        self.nodes: dict[int, Position] = {}
        self.ways: dict[int, list[int]] = {}
        self.relations: dict[int, list[tuple[str, int]]] = {}
        for lat, lon, extent in REGIONS:
            for _ in range(100):
                self.add_node(lat + draw.uniform(-extent, extent), lon + draw.uniform(-extent, extent))
            for _ in range(60):
                self.add_way(draw, lat + draw.uniform(-extent, extent), lon + draw.uniform(-extent, extent), extent)
        for number in range(1, 150):
            way = draw.randint(1, len(self.ways) - 3)
            members = [("way", way + i) for i in range(draw.randint(0, 3))]
            self.relations[number] = [*members, ("node", draw.randint(1, len(self.nodes)))]
        update = [prefix / "bin" / "update_database", f"--db-dir={directory}/"]
        subprocess.run(update, input=self.xml(), check=True, capture_output=True, text=True)

    def add_node(self, lat: float, lon: float) -> int:
        self.nodes[len(self.nodes) + 1] = e7(lat), e7(lon)
        return len(self.nodes)

    def add_way(self, draw: random.Random, lat: float, lon: float, extent: float) -> None:
        step, refs = extent * draw.choice([0.01, 0.1, 0.5]), []
        for _ in range(draw.choice([1, 2, 3, 5, 12])):
            refs.append(self.add_node(lat, lon))
            lat, lon = lat + draw.uniform(-step, step), lon + draw.uniform(-step, step)
        self.ways[len(self.ways) + 1] = refs + refs[:1] * (draw.random() < 0.3)

    def xml(self) -> str:
        def degrees(value: int) -> str:
            return f"{'-' * (value < 0)}{abs(value) // 10**7}.{abs(value) % 10**7:07}"

        lines = [f'<node id="{i}" lat="{degrees(p[0])}" lon="{degrees(p[1])}"/>' for i, p in self.nodes.items()]
        for i, refs in self.ways.items():
            lines.append(f'<way id="{i}">' + "".join(f'<nd ref="{ref}"/>' for ref in refs) + "</way>")
        for i, members in self.relations.items():
            inner = "".join(f'<member type="{kind}" ref="{ref}" role=""/>' for kind, ref in members)
            lines.append(f'<relation id="{i}">{inner}</relation>')
        return "\n".join(["<osm>", *lines, "</osm>"])

    def rows(self, query: str, fields: str = "::type,::id") -> list[list[str]]:
        run = subprocess.run(
            [self.query_program, f"--db-dir={self.directory}/"],
            input=f"[out:csv({fields};false)];{query}",
            capture_output=True,
            text=True,
            check=True,
        )
        assert "rror:" not in run.stderr, run.stderr
        return [line.split("\t") for line in run.stdout.splitlines()]

    def matches(self, criterion: str, before: str = "") -> Ids:
        found: Ids = {"node": set(), "way": set(), "relation": set()}
        for kind, number in self.rows(f"{before}(node({criterion});way({criterion});rel({criterion}););out ids;"):
            found[kind].add(int(number))
        return found

    def way(self, number: int) -> list[Position]:
        return [self.nodes[ref] for ref in self.ways[number]]

    def select(self, node: set[int], way: set[int]) -> Ids:
        """The relations follow from their members."""
        by_kind = {"node": node, "way": way}
        relation = {i for i, members in self.relations.items() if any(r in by_kind[k] for k, r in members)}
        return {"node": node, "way": way, "relation": relation}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    if "REFERENCE" not in os.environ:
        pytest.skip("needs the reference: set REFERENCE to its installation prefix")
    return Reference(Path(os.environ["REFERENCE"]), tmp_path_factory.mktemp("reference"), random.Random(1))


def spot(draw: random.Random) -> tuple[float, float, float]:
    lat, lon, extent = draw.choice(REGIONS)
    return lat + draw.uniform(-extent, extent), lon + draw.uniform(-extent, extent), extent


def test_bbox(reference: Reference) -> None:
    draw = random.Random(2)
    for _ in range(20):
        lat, lon, extent = spot(draw)
        s, n = (round(lat + side * extent * draw.random() / 2, 7) for side in (-1, 1))
        w, e = (round(lon + side * extent * draw.random() / 2, 7) for side in (-1, 1))
        box = Box(e7(s), e7(w), e7(n), e7(e))
        expected = reference.select(
            {i for i, p in reference.nodes.items() if box.holds(*p)},
            {i for i in reference.ways if way_meets_bbox(reference.way(i), box)},
        )
        assert reference.matches(f"{s},{w},{n},{e}") == expected


def test_poly(reference: Reference) -> None:
    draw = random.Random(3)
    for _ in range(20):
        lat, lon, extent = spot(draw)
        corners, reach = draw.choice([3, 4, 6, 20]), extent * draw.choice([0.1, 0.4, 1])
        turns = [2 * math.pi * i / corners for i in range(corners)]
        reaches = [reach * draw.uniform(0.3, 1) for _ in turns]
        ring = [
            (round(lat + r * math.sin(t), 7), round(lon + r * math.cos(t), 7))
            for t, r in zip(turns, reaches, strict=True)
        ]
        poly = Poly([(e7(y), e7(x)) for y, x in ring])
        found = reference.matches('poly:"' + " ".join(f"{y} {x}" for y, x in ring) + '"')
        nodes = {i: poly.locate(p) for i, p in reference.nodes.items()}
        assert found["node"] == {i for i, where in nodes.items() if where != lib.OSM3S_OUTSIDE}
        assert found["way"] == {i for i in reference.ways if poly.meets_way(reference.way(i))}
        members = reference.select(
            {i for i, where in nodes.items() if where == lib.OSM3S_INSIDE},
            {i for i in reference.ways if poly.meets_way(reference.way(i), border=False)},
        )
        assert found["relation"] == members["relation"]


@pytest.mark.parametrize("source", ["line", "nodes", "ways"])
def test_around(reference: Reference, source: str) -> None:
    draw = random.Random(4)
    for _ in range(8):
        lat, lon, extent = spot(draw)
        radius_m = draw.choice([0, 3, 50, 400, 3000])
        if source == "line":
            steps = [(draw.uniform(0, extent), draw.uniform(0, extent)) for _ in range(3)]
            line = [(round(lat + y, 7), round(lon + x, 7)) for y, x in steps]
            before, criterion = "", f"around:{radius_m}," + ",".join(f"{y},{x}" for y, x in line)
            inputs = [[(e7(y), e7(x)) for y, x in line]]
        else:
            pool = list(reference.nodes if source == "nodes" else reference.ways)
            chosen = draw.sample(pool, draw.choice([1, 5, 30]))
            before = f"{source[:-1]}(id:{','.join(map(str, chosen))})->.s;"
            criterion = f"around.s:{radius_m}"
            inputs = [[reference.nodes[i]] if source == "nodes" else reference.way(i) for i in chosen]
        around = Around(radius_m, inputs)
        expected = reference.select(
            {i for i, p in reference.nodes.items() if around.contains(p)},
            {i for i in reference.ways if around.meets_way(reference.way(i))},
        )
        assert reference.matches(criterion, before) == expected


def test_quadtile_order(reference: Reference) -> None:
    def way_quad(number: int) -> int:
        return int(lib.osm3s_quad_of_bbox(c_box(way_box(reference.way(number)))))

    nodes = {i: int(lib.osm3s_quad_of_position(*p)) for i, p in reference.nodes.items()}
    ways = {i: way_quad(i) for i in reference.ways}
    relations = {}
    for i, members in reference.relations.items():
        quads = [nodes[ref] if kind == "node" else ways[ref] for kind, ref in members]
        relations[i] = int(lib.osm3s_quad_of_members(quads, len(quads)))
    for kind, quads_by_id in (("node", nodes), ("way", ways), ("rel", relations)):
        ids = ",".join(map(str, quads_by_id))
        found = [int(row[0]) for row in reference.rows(f"{kind}(id:{ids});out ids qt;", "::id")]
        assert found == sorted(quads_by_id, key=lambda i: (lib.osm3s_quad_order(quads_by_id[i]), i))


def test_length_and_center(reference: Reference) -> None:
    ids = ",".join(map(str, reference.ways))
    lengths = reference.rows(f"way(id:{ids});convert w ::id=id(),l=length();out;", "::id,l")
    centers = reference.rows(f"way(id:{ids});out center;", "::id,::lat,::lon")
    for number, way in ((i, reference.way(i)) for i in reference.ways):
        assert [str(number), f"{lib.osm3s_length_m(flat(way), len(way)):.3f}"] in lengths
        lat, lon = ffi.new("double *"), ffi.new("double *")
        lib.osm3s_center_of_bounds(c_box(way_bounds(way)), lat, lon)
        assert [str(number), f"{lat[0]:.7f}", f"{lon[0]:.7f}"] in centers
