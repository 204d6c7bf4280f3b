"""The filters of a query: one module per word. `FILTERS` maps the name of an element to what adds it to a plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from osm3s.eval.filters import (
    area,
    around,
    bbox,
    changed,
    has_kv,
    ids,
    if_,
    newer,
    pivot,
    poly,
    recurse,
    set_filter,
    user,
)
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan

FILTERS: dict[str, Callable[[QueryPlan, Element], None]] = {
    "has-kv": has_kv.add,
    "bbox-query": bbox.add,
    "id-query": ids.add,
    "around": around.add,
    "area-query": area.add,
    "pivot": pivot.add,
    "polygon-query": poly.add,
    "recurse": recurse.add,
    "item": set_filter.add,
    "user": user.add,
    "newer": newer.add,
    "changed": changed.add,
    "filter": if_.add,
}
