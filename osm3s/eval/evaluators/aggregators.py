"""Values of whole sets: of `_`, or of the set whose name stands before a dot. Each is computed once per statement.

`u(value)`: the value that all elements have; `< multiple values found >` if they differ.
Example: `way(12);make a x=u(t["highway"]);out;`

`set(value)`: all values but the empty one, sorted, separated by semicolons.
Example: `nwr(50,6,52,8)->.all;make a x=all.set(t["highway"]);out;`

`min(value)`: the least value, by number if all are numbers.
Example: `way(50,6,52,8);make a x=min(length());out;`

`max(value)`: the greatest value, by number if all are numbers.
Example: `way(50,6,52,8);make a x=max(length());out;`

`sum(value)`: the sum; `NaN` if a value is no number.
Example: `way(50,6,52,8);make a x=sum(length());out;`

`count(type)`: how many elements of a type a set has: `nodes ways relations deriveds nwr nw wr nr`; areas are deriveds.
Example: `nwr(50,6,52,8);make a x=count(nodes),y=count(wr);out;`

`gcat(geometry)`: one geometry of all.
Example: `node(id:5,6);make a ::geom=gcat(geom());out geom;`

`set.val`: in `for`, the value of the group that the set holds.
Example: `way(id:12,13);for->.g(t["highway"]){make a x=g.val;out;}`

Cost: the argument for each element of the set; `count` costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from osm3s.eval.evaluators.preparation import Column, Constant, GeometryColumn, Preparation
from osm3s.eval.evaluators.values import NOT_A_NUMBER, integer, number_text
from osm3s.ffi.element_set import NODE, RELATION, WAY, ElementSet
from osm3s.output.derived import Collection, Derived, Geometry
from osm3s.ql.numbers import whole_float
from osm3s.ql.tree import Element

MULTIPLE_VALUES = "< multiple values found >"
_LARGEST_FLOAT = 1.7976931348623157e308
_LARGEST_INTEGER = (1 << 63) - 1
_COUNTED = {
    "nodes": (NODE,),
    "ways": (WAY,),
    "relations": (RELATION,),
    "nwr": (NODE, WAY, RELATION),
    "nw": (NODE, WAY),
    "wr": (WAY, RELATION),
    "nr": (NODE, RELATION),
}


class Aggregator(Protocol):
    def add(self, values: Sequence[str]) -> None: ...
    def result(self) -> str: ...


class Union:
    """The value that all elements have that have one."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, values: Sequence[str]) -> None:
        self._values.update(values)
        self._values.discard("")

    def result(self) -> str:
        return MULTIPLE_VALUES if len(self._values) > 1 else next(iter(self._values), "")


class Distinct:
    """All values, separated by semicolons."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, values: Sequence[str]) -> None:
        self._values.update(values)

    def result(self) -> str:
        return ";".join(sorted(self._values - {""}))


class Extreme:
    """The smallest or largest value: as integers or floats if all values are such, else as texts."""

    def __init__(self, largest: bool) -> None:
        self._choose = max if largest else min
        self._integer: int | None = -_LARGEST_INTEGER - 1 if largest else _LARGEST_INTEGER
        self._float: float | None = -_LARGEST_FLOAT if largest else _LARGEST_FLOAT
        self._text = ""
        self._empty = True

    def add(self, values: Sequence[str]) -> None:
        for value in dict.fromkeys(values):
            self._empty = False
            self._add_number(value)
            if value:
                self._text = self._choose(self._text, value) if self._text else value

    def _add_number(self, value: str) -> None:
        if self._integer is not None:
            whole = integer(value)
            self._integer = None if whole is None else self._choose(self._integer, whole)
        if self._float is not None:
            number = whole_float(value)
            self._float = None if number is None else self._choose(self._float, number)

    def result(self) -> str:
        if self._empty:
            return ""
        if self._integer is not None:
            return number_text(self._integer)
        return self._text if self._float is None else number_text(self._float)


class Sum:
    """The sum, if all values are numbers."""

    def __init__(self) -> None:
        self._integer: int | None = 0
        self._float: float | None = 0.0

    def add(self, values: Sequence[str]) -> None:
        for value in values:
            if self._integer is not None:
                whole = integer(value)
                self._integer = None if whole is None else self._integer + whole
            if self._float is None:
                return
            number = whole_float(value)
            self._float = None if number is None else self._float + number

    def result(self) -> str:
        if self._integer is not None:
            return number_text(self._integer)
        return NOT_A_NUMBER if self._float is None else number_text(self._float)


def _aggregator_for(name: str) -> Aggregator:
    if name == "eval-union":
        return Union()
    if name == "eval-set":
        return Distinct()
    return Sum() if name == "eval-sum" else Extreme(largest=name == "eval-umax")


def aggregate(preparation: Preparation, element: Element) -> Column | None:
    if not element.children or preparation.execution.sets.get(element.get("from")) is None:
        return None
    operand = element.children[0]
    column = preparation.string(operand)
    if column is None:
        return None
    aggregator = _aggregator_for(element.name)
    in_order = element.name == "eval-sum"  # the last digits depend on it
    for items in preparation.items_of(element.get("from"), operand, quadtile=in_order):
        aggregator.add(column(items))
    return Constant(aggregator.result())


def geom_concat(preparation: Preparation, element: Element) -> GeometryColumn | None:
    if not element.children or preparation.execution.sets.get(element.get("from")) is None:
        return None
    operand = element.children[0]
    column = preparation.geometry(operand)
    if column is None:
        return None
    parts: list[Geometry | None] = []
    in_the_making = ElementSet()
    with preparation.execution.holding(in_the_making):
        for items in preparation.items_of(element.get("from"), operand, quadtile=True):
            found = [geometry for geometry in column(items) if geometry is not None]
            parts += found
            in_the_making.deriveds.append(Derived("", 0, [], Collection([*found])))
    whole = Collection(parts) if parts else None
    return lambda items: items.constant(whole)


def set_count(preparation: Preparation, element: Element) -> Column:
    set_ = preparation.execution.read(element.get("from"))
    counted = element.get("type")
    if counted == "deriveds":
        return Constant(str(len(set_.deriveds) + len(set_.areas)))
    return Constant(str(sum(set_.count(element_type) for element_type in _COUNTED[counted])))


def set_key(preparation: Preparation, element: Element) -> Column:
    """`set.val`: what the elements of a group have in common, inside of `for`."""
    value = preparation.execution.sets.group(element.get("from")) if element.get("key") == "val" else ""
    return Constant(value)
