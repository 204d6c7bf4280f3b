"""All conditions of a query on a single element, in the form the core takes (`osm3s_predicate`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from osm3s.eval.spatial import AreaIndex, Around, BBox, Polygon, Spatial
from osm3s.eval.tag_filter import TagFilter
from osm3s.ffi import ffi


class Predicate:
    """`c` is the `osm3s_predicate *`; it refers to the filters given here, which this object keeps alive."""

    def __init__(
        self,
        tags: Sequence[TagFilter],
        spatial: Sequence[Spatial],
        uids: set[int],
        newer_than: int,
        members_only: bool = False,
        closed_only: bool = False,
    ) -> None:
        """`closed_only`: of the ways, only closed ones."""
        self.c: Any = ffi.new("osm3s_predicate *")
        tag_array = ffi.new("osm3s_tag_filter[]", max(1, len(tags)))
        kept: list[Any] = [tags, spatial, tag_array]
        kept += [tag.fill(tag_array[i]) for i, tag in enumerate(tags)]
        self.c.tags, self.c.n_tags = tag_array, len(tags)
        boxes = [s.c[0] for s in spatial if isinstance(s, BBox)]
        polys = [s.c for s in spatial if isinstance(s, Polygon)]
        arounds = [s.c for s in spatial if isinstance(s, Around)]
        box_array = ffi.new("osm3s_bbox[]", boxes)
        poly_array = ffi.new("struct poly *[]", polys)
        around_array = ffi.new("struct around *[]", arounds)
        areas = [s.c for s in spatial if isinstance(s, AreaIndex)]
        area_array = ffi.new("struct area_index *[]", areas)
        uid_array = ffi.new("int32_t[]", sorted(uids))
        kept += [box_array, poly_array, around_array, area_array, uid_array]
        self.c.boxes, self.c.n_boxes = box_array, len(boxes)
        self.c.polys, self.c.n_polys = poly_array, len(polys)
        self.c.arounds, self.c.n_arounds = around_array, len(arounds)
        self.c.areas, self.c.n_areas = area_array, len(areas)
        self.c.uids, self.c.n_uids = uid_array, len(uids)
        self.c.newer_than = newer_than
        self.c.members_only = members_only
        self.c.closed_only = closed_only
        self._kept = kept
