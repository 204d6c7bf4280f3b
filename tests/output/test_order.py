"""Quadtile order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from map_blocks import NODE, TYPES, Blocks, Map, Node, Relation, Way

from osm3s.ffi import lib
from osm3s.ffi.out import RowPrinter, Rows, quadtile_order
from osm3s.ffi.sink import Sink


def scattered(n_nodes: int, spread: int) -> Map:
    """Nodes around a place, ways and relations among them, some with members that are not there."""
    draw = random.Random(n_nodes)
    nodes = [
        Node(id_, 470000000 + draw.randint(-spread, spread), 95000000 + draw.randint(-spread, spread))
        for id_ in range(1, n_nodes + 1)
    ]
    n = max(1, n_nodes // 20)
    ways = [Way(id_, draw.choices(range(n_nodes + 3), k=draw.randint(0, 3))) for id_ in range(1, n + 1)]
    relations = [
        Relation(id_, [(draw.choice(TYPES), draw.randint(1, n_nodes), "") for _ in range(draw.randint(0, 3))])
        for id_ in range(1, n + 1)
    ]
    return Map([*nodes, *ways, *relations])


@pytest.mark.parametrize(("n_nodes", "spread"), [(1, 0), (400, 10**5), (400, 10**8), (9000, 3 * 10**6)])
def test_order_is_by_quadtile_then_id(tmp_path: Path, n_nodes: int, spread: int) -> None:
    content = scattered(n_nodes, spread)
    blocks = Blocks(content, tmp_path)
    elements = blocks.elements(nodes=content.nodes, ways=content.ways, relations=content.relations)

    def key(type_: int, id_: int) -> tuple[int, int]:
        if type_ < 2:
            return lib.osm3s_quad_order(content.quads(TYPES[type_], id_)[0]), id_
        quads = [q for t, ref, _ in content.relations[id_].members for q in content.quads(t, ref)]
        return lib.osm3s_quad_order(lib.osm3s_quad_of_members(quads, len(quads))), id_

    for type_ in range(3):
        rows = elements.handle.of[type_]
        ordered = quadtile_order(blocks, None, rows, type_)
        expected = sorted(elements.ids(type_), key=lambda id_: key(type_, id_))
        assert [ordered[i].id for i in range(rows.n)] == expected


def test_limit_takes_the_first_of_the_order(tmp_path: Path) -> None:
    content = scattered(100, 10**8)
    blocks, fields = Blocks(content, tmp_path), [("id", True)]
    elements = blocks.elements(nodes=content.nodes)
    ordered = quadtile_order(blocks, None, elements.handle.of[NODE], NODE)
    sink = Sink()
    printer = RowPrinter("csv", mode="ids_only", fields=fields)
    assert printer.print(Rows(blocks, elements, NODE, quadtile=True, limit=7), sink) == 7
    assert sink.data().split() == [str(ordered[i].id).encode() for i in range(7)]
    assert printer.print(Rows(blocks, elements, NODE, limit=0), sink) == 0
