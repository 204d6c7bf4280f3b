"""`for.a->.b(...) { ... }`: the body once for each group of elements with the same value, in the order of the values.

Inside, `b.val` is the value. The set of the loop is empty afterwards.

Example: `way(50,6,52,8);for->.group(t["highway"]){make kind highway=group.val,n=group.count(ways);out;}`
Cost: the value of every element, then the body once for each distinct value.
"""

from __future__ import annotations

from osm3s.eval.batch import AreaBatch, DerivedBatch, batches, prepare
from osm3s.eval.element_batch import ElementBatch
from osm3s.eval.evaluators.preparation import Preparation, reads_meta, reads_tags
from osm3s.eval.execution import Execution
from osm3s.eval.items import Items
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import ElementSet
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    source, into, evaluator = element.get("from"), element.get("into"), element.evaluator()
    outer = execution.sets
    if evaluator is None:
        return
    set_ = (outer.own(into) if source == into else outer.get(source)) or ElementSet()
    if outer.own(into) is not None:
        value = outer.group(into)
        outer[into] = ElementSet()  # what aggregators of the criterion see; `val` is of a loop around this one
        outer.set_group(into, value)
    groups = _groups(execution, set_, evaluator, outer.time_of(source))
    outer[into] = ElementSet()
    with execution.scope() as inner, execution.holding(set_):
        for value in sorted(groups):
            execution.check_limits()
            inner[into] = groups[value]
            inner.set_group(into, value)
            execution.run(element.body())
        inner.export(but=into)


def _groups(execution: Execution, set_: ElementSet, evaluator: Element, time_s: int) -> dict[str, ElementSet]:
    column = Preparation(execution).container(evaluator)
    prepare(execution, set_, reads_tags(evaluator), reads_meta(evaluator))
    groups: dict[str, ElementSet] = {}
    for batch in batches(execution, set_, time_s=time_s):
        members: dict[str, list[int]] = {}
        for i, values in enumerate(column(Items(batch))):
            for value in values:
                members.setdefault(value, []).append(i)
        for value, numbers in members.items():
            if value not in groups:
                groups[value] = ElementSet()
            _put(groups[value], batch, numbers)
    return groups


def _put(group: ElementSet, batch: ElementBatch | DerivedBatch, numbers: list[int]) -> None:
    if isinstance(batch, AreaBatch):
        group.areas = [batch.areas[i] for i in numbers]
        return
    if isinstance(batch, DerivedBatch):
        group.deriveds = [batch.deriveds[i] for i in numbers]
        return
    indexes = ffi.new("uint32_t[]", numbers)
    check(lib.osm3s_rows_pick(batch.rows, indexes, len(numbers), group.rows(batch.element_type)))
