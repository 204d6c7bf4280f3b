"""`is_in(lat,lon);`, `.a is_in;`: the areas and closed ways that contain a place or a node of a set.

Their borders belong to them. Decided in native/is_in.c.

Example: `is_in(51.005,7.005);out ids;`
Cost: areas whose box contains the place are read.
"""

from __future__ import annotations

from typing import Any

from osm3s.eval.execution import Execution
from osm3s.eval.spatial import lat_e7, lon_e7
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import NODE, UNRESOLVED, WAY, ElementSet
from osm3s.ql.numbers import float_prefix
from osm3s.ql.tree import Element

WAYS = 2
ANTIMERIDIAN = (-900_000_000, 1_800_000_000, 900_000_000, 1_800_000_000)
"""As a box, for the blocks with ways around a pole, which reach farther than their nodes."""


def execute(execution: Execution, element: Element) -> None:
    nodes, result = _places(execution, element), ElementSet()
    if nodes.count(NODE):
        _add_closed_ways(execution, nodes, result)
        _add_areas(execution, nodes, result)
    execution.sets[element.get("into")] = result


def _places(execution: Execution, element: Element) -> ElementSet:
    """The places that are asked about, as nodes."""
    if not element.get("lat"):
        return execution.read(element.get("from"))
    place = ElementSet()
    lat, lon = lat_e7(float_prefix(element.get("lat"))), lon_e7(float_prefix(element.get("lon")))
    check(lib.osm3s_rows_push(place.rows(NODE), 0, UNRESOLVED, 0, lat, lon))
    return place


def _add_closed_ways(execution: Execution, nodes: ElementSet, into: ElementSet) -> None:
    snapshot = execution.snapshot
    boxes = ffi.new("osm3s_bbox[]", [_box(execution, nodes)[0], ANTIMERIDIAN])
    blocks, n = ffi.new("uint32_t[]", snapshot.n_blocks(WAYS) + 1), ffi.new("size_t *")
    check(lib.osm3s_select_blocks(snapshot.handle, WAYS, boxes, len(boxes), blocks, n))
    snapshot.attach_attic(blocks, n[0])
    check(
        lib.osm3s_ways_around_nodes(
            snapshot.handle, execution.limits.handle, blocks, n[0], nodes.rows(NODE), into.rows(WAY)
        )
    )


def _add_areas(execution: Execution, nodes: ElementSet, into: ElementSet) -> None:
    stored = execution.snapshot.areas
    if stored is not None:
        box = _box(execution, nodes)
        into.areas = stored.around(nodes.rows(NODE), box[0], execution.limits.handle)


def _box(execution: Execution, nodes: ElementSet) -> Any:
    box = ffi.new("osm3s_bbox *")
    check(lib.osm3s_rows_bbox(execution.snapshot.handle, nodes.rows(NODE), NODE, box))
    return box
