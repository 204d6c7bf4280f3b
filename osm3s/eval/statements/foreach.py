"""`foreach.a->.b( ... );`: the body once for each element, in quadtile order. The loop leaves its set empty.

Example: `way(id:12,13);foreach->.w{node(w.w);out ids;}`
Cost: the body once for each element, so prefer statements that work on whole sets.
"""

from __future__ import annotations

from collections.abc import Iterator

from osm3s.eval.batch import AreaBatch, DerivedBatch, batches
from osm3s.eval.execution import Execution
from osm3s.ffi import check, lib
from osm3s.ffi.element_set import ElementSet
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    source, into = element.get("from"), element.get("into")
    outer = execution.sets
    set_ = outer.own(into) if source == into else outer.get(source)
    set_ = set_ or ElementSet()
    outer[into] = ElementSet()
    with execution.scope() as inner, execution.holding(set_):
        for single in _singles(execution, set_):
            execution.check_limits()
            inner[into] = single
            execution.run(element.children)
        inner.export(but=into)


def _singles(execution: Execution, set_: ElementSet) -> Iterator[ElementSet]:
    """Each element as a set of its own."""
    for batch in batches(execution, set_, quadtile=True):
        for i in range(batch.n):
            single = ElementSet()
            if isinstance(batch, AreaBatch):
                single.areas = [batch.areas[i]]
            elif isinstance(batch, DerivedBatch):
                single.deriveds = [batch.deriveds[i]]
            else:
                check(lib.osm3s_rows_keep(batch.rows + i, 1, b"\1", single.rows(batch.element_type)))
            yield single
