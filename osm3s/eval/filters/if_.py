"""`(if: ...)`: elements for which an evaluator is true.

Example: `way(50,6,52,8)(if:length()>1500&&t["highway"]!="");out ids;`
Cost: some microseconds for each element that satisfies all other filters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from osm3s.eval.batch import AreaBatch, DerivedBatch, element_batches, prepare
from osm3s.eval.evaluators.operators import apply
from osm3s.eval.evaluators.preparation import Column, Constant, Preparation, reads_meta, reads_tags
from osm3s.eval.evaluators.values import is_true
from osm3s.eval.execution import Execution
from osm3s.eval.items import Items
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import TYPES, ElementSet
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.query_plan import QueryPlan


T = TypeVar("T")


def add(plan: QueryPlan, element: Element) -> None:
    if element.children:
        plan.conditions.append(element.children[0])


def keep_true(execution: Execution, set_: ElementSet, condition: Element) -> ElementSet:
    """The elements of a set for which a condition is true."""
    column = Preparation(execution).string(condition)
    if column is None:
        return set_
    if isinstance(column, Constant):
        return set_ if is_true(column.value) else ElementSet()
    prepare(execution, set_, reads_tags(condition), reads_meta(condition))
    decided = apply(lambda text: "\1" if is_true(text) else "\0", column)
    kept = ElementSet()
    for element_type in TYPES:
        for batch in element_batches(execution, set_, element_type):
            keep = "".join(decided(Items(batch))).encode()
            check(lib.osm3s_rows_keep(batch.rows, batch.n, ffi.from_buffer(keep), kept.rows(element_type)))
    kept.areas = _true_ones(set_.areas, AreaBatch(set_.areas), decided)
    kept.deriveds = _true_ones(set_.deriveds, DerivedBatch(set_.deriveds), decided)
    return kept


def _true_ones(objects: list[T], batch: DerivedBatch, decided: Column) -> list[T]:
    if not objects:
        return []
    return [object_ for object_, keep in zip(objects, decided(Items(batch)), strict=True) if keep == "\1"]
