"""Evaluators of a statement are made ready once: operators become functions of lists, aggregators their results.

A `Column` yields one text per item. Where the reference has "no value at all", as for aggregators of sets that were
never written, the preparation is None; operators take it for "".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from osm3s.eval.batch import NoElement, batches, prepare
from osm3s.eval.execution import Execution
from osm3s.eval.items import Batch, Items
from osm3s.output.derived import Geometry
from osm3s.ql.evaluators import type_of
from osm3s.ql.tree import Element

Column = Callable[[Items], list[str]]
GeometryColumn = Callable[[Items], list[Geometry | None]]
ContainerColumn = Callable[[Items], list[list[str]]]

_READS_TAGS = frozenset(["eval-value", "eval-is-tag", "eval-generic", "eval-all-keys", "eval-prop-count"])
_READS_META = frozenset(["eval-version", "eval-timestamp", "eval-changeset", "eval-uid", "eval-user"])
AGGREGATORS = frozenset(["eval-union", "eval-set", "eval-min", "eval-umax", "eval-sum", "eval-geom-concat"])


class Constant:
    """A column that has the same value everywhere."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __call__(self, items: Items) -> list[str]:
        return items.constant(self.value)


class Numbers:
    """A column whose texts are numbers with some decimals."""

    __slots__ = ("_name", "_text", "decimals")

    def __init__(self, name: str, text: Callable[[Batch], list[str]], decimals: int = 0) -> None:
        self._name = name
        self._text = text
        self.decimals = decimals

    def __call__(self, items: Items) -> list[str]:
        return items.spread(self._text(items.batch))

    def numbers(self, items: Items) -> Sequence[float] | None:
        """The numbers before they are rounded; None if the texts must be asked."""
        found = items.batch.numbers(self._name)
        return found if found is None or items.owners is None else [found[owner] for owner in items.owners]


class Preparation:
    """`key` is the one that is being assigned, for `::` inside of aggregators."""

    def __init__(self, execution: Execution, key: str | None = None) -> None:
        self.execution = execution
        self.key = key

    def string(self, element: Element) -> Column | None:
        from osm3s.eval.evaluators import STRINGS

        return STRINGS[element.name](self, element)

    def geometry(self, element: Element) -> GeometryColumn | None:
        from osm3s.eval.evaluators import GEOMETRIES

        return GEOMETRIES[element.name](self, element)

    def container(self, element: Element) -> ContainerColumn:
        """The column of an evaluator of containers or, as containers of one text, of strings."""
        from osm3s.eval.evaluators import CONTAINERS

        if type_of(element) == "container":
            return CONTAINERS[element.name](self, element)
        column = self.string_or_empty(element)
        return lambda items: [[value] for value in column(items)]

    def string_or_empty(self, element: Element | None) -> Column:
        return (element and self.string(element)) or Constant("")

    def operands(self, element: Element, n: int) -> list[Column]:
        """The first n operands; missing ones are ""."""
        found = [self.string_or_empty(child) for child in element.children[:n]]
        return found + [Constant("")] * (n - len(found))

    def items_of(self, set_name: str, evaluator: Element, quadtile: bool = False) -> Iterator[Items]:
        """The elements of a set, made ready for an evaluator."""
        set_ = self.execution.read(set_name)
        prepare(self.execution, set_, reads_tags(evaluator), reads_meta(evaluator))
        for batch in batches(self.execution, set_, quadtile, self.execution.sets.time_of(set_name)):
            yield Items(batch, keys=None if self.key is None else [self.key] * batch.n)


def nothing() -> Items:
    """The single item that evaluators of sets are applied to."""
    return Items(NoElement())


def own_parts(evaluator: Element) -> Iterator[Element]:
    """The evaluator and what is below it, without what aggregators apply to sets of their own."""
    yield evaluator
    if evaluator.name not in AGGREGATORS:
        for child in evaluator.children:
            yield from own_parts(child)


def reads_tags(evaluator: Element) -> bool:
    return any(part.name in _READS_TAGS for part in own_parts(evaluator))


def reads_meta(evaluator: Element) -> bool:
    return any(part.name in _READS_META for part in own_parts(evaluator))
