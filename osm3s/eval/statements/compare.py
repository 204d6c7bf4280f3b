"""`.a compare -> .b (delta: EVAL) { ... }`: what differs between the two runs of a `[diff:]`; without one the result is
empty.

The result can be printed; all other statements see an empty set. With `delta` only those elements count for which the
evaluator has different values. With a body it runs twice in the second run: on what was, and on what is.

Example: `[diff:"2020-01-01T12:00:00Z"];nwr(50,6,52,8);compare(delta:t["name"]);out tags;`
Cost: both sets are held; each element of both is compared once.
"""

from __future__ import annotations

from osm3s.eval.batch import batches, prepare
from osm3s.eval.difference import Difference
from osm3s.eval.evaluators.preparation import Preparation, reads_meta, reads_tags
from osm3s.eval.execution import Execution
from osm3s.eval.items import Items
from osm3s.eval.scope import ComparedSets
from osm3s.ffi.element_set import NODE, RELATION, TYPES, WAY, ElementSet
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    difference, into = execution.difference, element.get("into")
    set_ = execution.sets.get(element.get("from"))
    if set_ is None:  # nothing to be compared
        return
    if difference is None:
        execution.sets[into] = ElementSet()
        return
    set_ = set_.copy()
    execution.snapshot.resolve_nodes(set_)
    if not difference.is_second_run:
        difference.remember(element, set_)
        execution.sets[into] = ElementSet()
        return
    before, after = difference.remembered(element), set_
    evaluator = element.evaluator()
    if evaluator is None:
        before, after = difference.differing(execution, before, after)
    else:
        before, after = _of_other_value(execution, difference, evaluator, before, after)
    result = ComparedSets(before, after)
    if element.body():
        for wrapped, set_, seconds in (
            ("show_initial", before, difference.before_s),
            ("show_final", after, difference.after_s),
        ):
            difference.wrapped = wrapped
            with execution.at(seconds), execution.scope() as inner:
                inner[into] = set_.copy((NODE, WAY, RELATION))  # without derived objects
                execution.run(element.body())
        difference.wrapped = ""
    execution.sets[into] = result


def _of_other_value(
    execution: Execution, difference: Difference, evaluator: Element, before: ElementSet, after: ElementSet
) -> tuple[ElementSet, ElementSet]:
    with execution.at(difference.before_s):
        old = _values(execution, evaluator, before)
    new = _values(execution, evaluator, after)
    kept = []
    for set_, values, others in ((before, old, new), (after, new, old)):
        differing = ElementSet()
        for element_type in TYPES:
            ids = [
                number
                for (kind, number), value in values.items()
                if kind == element_type and others.get((kind, number), "") != value
            ]
            differing.put_ids(element_type, ids)
        result = set_.copy((NODE, WAY, RELATION))  # without derived objects
        for element_type in TYPES:
            result.intersect(differing, (element_type,))
        kept.append(result)
    return kept[0], kept[1]


def _values(execution: Execution, evaluator: Element, set_: ElementSet) -> dict[tuple[int, int], str]:
    """The value of the evaluator for each element, by type and id."""
    column = Preparation(execution).string_or_empty(evaluator)
    prepare(execution, set_, reads_tags(evaluator), reads_meta(evaluator))
    found = {}
    for batch in batches(execution, set_):
        element_type = getattr(batch, "element_type", None)
        if element_type is None:
            continue
        for number, value in zip(batch.ids(), column(Items(batch)), strict=True):
            found[element_type, int(number)] = value
    return found
