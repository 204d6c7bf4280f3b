"""`! - || && == != < <= > >= + - * / ? :`: operators, from the strongest: `!` and the sign, `*` `/`, `+` `-`,
comparisons, equality, `&&`, `||`, `? :`. Operands that are numbers as a whole are computed with and compared as
numbers, others are compared as texts and joined by `+`; what is no number makes `- * /` yield `NaN`. True is what is
neither empty nor zero.
Example: `make a sum=1+2*3,text="a"+1,less="10"<"9a",not=!"",either=0?"yes":"no",half=1/2;out;`
Example: `make a difference=3-1,negative=-"2",equal=1=="1.0",any=0||"x",all=1&&0,most=2<=2,least=2>=3;out;`

Cost: well below a microsecond each.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from itertools import repeat
from typing import Any

from osm3s.eval.evaluators.preparation import Column, Constant, GeometryColumn, Numbers, Preparation
from osm3s.eval.evaluators.values import BOOLEANS, NOT_A_NUMBER, Memo, boolean, is_true, number, number_text, numbers
from osm3s.eval.items import Items
from osm3s.output.derived import Geometry
from osm3s.ql.tree import Element

Number = int | float
Binary = Callable[[str, str], str]


def _numbers(left: str, right: str) -> tuple[Number, Number] | None:
    """Both as integers, else both as floats, else None."""
    (a, x), (b, y) = numbers(left), numbers(right)
    if a is not None and b is not None:
        return a, b
    return None if x is None or y is None else (x, y)


def _comparison(holds: Callable[[Any, Any], bool]) -> Binary:
    """Of numbers if both texts are such, else of the texts."""

    def compare(left: str, right: str) -> str:
        return boolean(holds(*(_numbers(left, right) or (left, right))))

    return compare


def _arithmetic(function: Callable[[Number, Number], Number]) -> Binary:
    def compute(left: str, right: str) -> str:
        pair = _numbers(left, right)
        return NOT_A_NUMBER if pair is None else number_text(function(*pair))

    return compute


def plus(left: str, right: str) -> str:
    pair = _numbers(left, right)
    return left + right if pair is None else number_text(pair[0] + pair[1])


def divided(left: str, right: str) -> str:
    """Always a division of floats, by the rules of IEEE 754."""
    x, y = numbers(left)[1], numbers(right)[1]
    if x is None or y is None:
        return NOT_A_NUMBER
    if y != 0 or x != x:
        return number_text(x / y if y else x)
    return number_text(-math.nan if x == 0 else math.copysign(math.inf, x) * math.copysign(1, y))


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eval-equal": operator.eq,
    "eval-not-equal": operator.ne,
    "eval-less": operator.lt,
    "eval-less-equal": operator.le,
    "eval-greater": operator.gt,
    "eval-greater-equal": operator.ge,
}

BINARY: dict[str, Binary] = {
    "eval-or": lambda left, right: boolean(is_true(left) or is_true(right)),
    "eval-and": lambda left, right: boolean(is_true(left) and is_true(right)),
    **{name: _comparison(compare) for name, compare in COMPARISONS.items()},
    "eval-plus": plus,
    "eval-minus": _arithmetic(lambda a, b: a - b),
    "eval-times": _arithmetic(lambda a, b: a * b),
    "eval-divided-by": divided,
}


def negate(text: str) -> str:
    value = number(text)
    return NOT_A_NUMBER if value is None else number_text(-value)


UNARY: dict[str, Callable[[str], str]] = {
    "eval-not": lambda text: boolean(not is_true(text)),
    "eval-negate": negate,
}


def apply(function: Callable[[str], str], operand: Column) -> Column:
    """A function of one text, as a column."""
    if isinstance(operand, Constant):
        return Constant(function(operand.value))
    memo = Memo(function)
    return lambda items: list(map(memo.__getitem__, operand(items)))


def apply_to_both(function: Binary, left: Column, right: Column) -> Column:
    """A function of two texts, as a column."""
    if isinstance(right, Constant):
        last = right.value
        return apply(lambda text: function(text, last), left)
    if isinstance(left, Constant):
        first = left.value
        return apply(lambda text: function(first, text), right)
    memo: Memo[tuple[str, str]] = Memo(lambda pair: function(*pair))
    return lambda items: list(map(memo.__getitem__, zip(left(items), right(items), strict=True)))


def binary(preparation: Preparation, element: Element) -> Column:
    left, right = preparation.operands(element, 2)
    column = apply_to_both(BINARY[element.name], left, right)
    if element.name in COMPARISONS and isinstance(left, Numbers) and isinstance(right, Constant):
        limit = number(right.value)
        if limit is not None:
            return _compared(left, COMPARISONS[element.name], limit, column)
    return column


def _compared(left: Numbers, holds: Callable[[Any, Any], bool], limit: Number, otherwise: Column) -> Column:
    """Compare numbers as they are, without their texts, unless it depends on how a text is rounded."""
    if left.decimals == 0:
        exact = limit if isinstance(limit, int) else None

        def column(items: Items) -> list[str]:
            found = left.numbers(items)
            if found is None:
                return otherwise(items)
            if exact is None:
                found = list(map(float, found))
            return list(map(BOOLEANS.__getitem__, map(holds, found, repeat(limit))))

        return column
    margin = 10.0**-left.decimals
    at = float(limit)

    def rounded(items: Items) -> list[str]:
        found = left.numbers(items)
        if found is None:
            return otherwise(items)
        near = [value if not -margin < value - at < margin else round(value, left.decimals) for value in found]
        return list(map(BOOLEANS.__getitem__, map(holds, near, repeat(at))))

    return rounded


def unary(preparation: Preparation, element: Element) -> Column:
    return apply(UNARY[element.name], preparation.operands(element, 1)[0])


def ternary(preparation: Preparation, element: Element) -> Column:
    condition = preparation.string(element.children[0]) if element.children else None
    if condition is None:
        return Constant("0")
    _, first, second = preparation.operands(element, 3)
    if isinstance(condition, Constant):
        return first if is_true(condition.value) else second

    def choose(items: Items) -> list[str]:
        wanted = apply(lambda text: boolean(is_true(text)), condition)(items)
        rows = zip(wanted, first(items), second(items), strict=True)
        return [yes if want == "1" else no for want, yes, no in rows]

    return choose


def geometry_ternary(preparation: Preparation, element: Element) -> GeometryColumn | None:
    condition = preparation.string(element.children[0]) if element.children else None
    if condition is None:
        return None
    branches = [preparation.geometry(child) for child in element.children[1:3]]
    first, second = [*branches, None, None][:2]

    def choose(items: Items) -> list[Geometry | None]:
        wanted = list(map(is_true, condition(items)))
        nothing: list[Geometry | None] = items.constant(None)
        yes = first(items) if first and any(wanted) else nothing  # what nobody wants may take very long
        no = second(items) if second and not all(wanted) else nothing
        return [a if want else b for want, a, b in zip(wanted, yes, no, strict=True)]

    return choose
