"""The statements: one module per word. `STATEMENTS` maps the name of an element to the function that executes it."""

from __future__ import annotations

from collections.abc import Callable

from osm3s.eval.execution import Execution
from osm3s.eval.statements import (
    bare,
    compare,
    complete,
    convert,
    difference,
    for_,
    foreach,
    if_,
    is_in,
    item,
    localize,
    make,
    make_area,
    map_to_area,
    out,
    query,
    recurse,
    retro,
    timeline,
    union,
)
from osm3s.ql.tree import Element

STATEMENTS: dict[str, Callable[[Execution, Element], None]] = {
    "query": query.execute,
    "union": union.execute,
    "difference": difference.execute,
    "item": item.execute,
    "print": out.execute,
    "recurse": recurse.execute,
    "id-query": bare.execute,
    "bbox-query": bare.execute,
    "around": bare.execute,
    "polygon-query": bare.execute,
    "area-query": bare.execute,
    "pivot": bare.execute,
    "user": bare.execute,
    "changed": bare.execute,
    "has-kv": bare.do_nothing,
    "make": make.execute,
    "make-area": make_area.execute,
    "convert": convert.execute,
    "foreach": foreach.execute,
    "for": for_.execute,
    "if": if_.execute,
    "complete": complete.execute,
    "localize": localize.execute,
    "coord-query": is_in.execute,
    "map-to-area": map_to_area.execute,
    "timeline": timeline.execute,
    "retro": retro.execute,
    "compare": compare.execute,
}
