"""Values are texts; this is when they count as numbers or as true, and how numbers become texts again.

A text is a number if all of it is one for the C library: an integer of 64 bits in any base, else a float.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Generic, TypeVar

from osm3s.ql.numbers import float_prefix, float_prefix_end, whole_float, whole_integer

Key = TypeVar("Key")

NOT_A_NUMBER = "NaN"
MEMO_SIZE = 65536
_SMALLEST_NORMAL = 2.2250738585072014e-308
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(\.[0-9]+)?")
_NO_NUMBER = re.compile(r"[g-hj-mo-zG-HJ-MO-Z]")
"""No number starts like this."""


@lru_cache(maxsize=4096)
def numbers(text: str) -> tuple[int | None, float | None]:
    """The integer and the float that the whole text is; integers beyond 64 bits are the nearest one of 64 bits."""
    plain = _PLAIN.fullmatch(text)
    if plain:
        value = float(text)
        return (None if plain[1] else int(text)), value
    if not text or _NO_NUMBER.match(text):
        return None, None
    return whole_integer(text), whole_float(text)


def integer(text: str) -> int | None:
    """The integer if the whole text is one."""
    return numbers(text)[0]


def number(text: str) -> int | float | None:
    """The number if the whole text is one."""
    whole, value = numbers(text)
    return value if whole is None else whole


def number_prefix(text: str) -> float | None:
    """The float at the start of the text unless it is out of the range of floats."""
    end = float_prefix_end(text)
    if end == 0:
        return None
    value = float_prefix(text)
    digits = text[:end].lower()
    if math.isinf(value) and "inf" not in digits:
        return None
    if abs(value) < _SMALLEST_NORMAL and any(c in "123456789" for c in digits.partition("e")[0].partition("p")[0]):
        return None
    return value


def is_true(text: str) -> bool:
    """Not empty, and not a number that is zero."""
    if not text:
        return False
    value = numbers(text)[1]
    return value is None or value != 0


BOOLEANS = "0", "1"


def boolean(value: bool) -> str:
    return BOOLEANS[value]


def number_text(value: int | float) -> str:
    """Integers wrap around at 64 bits; floats have at most 14 significant digits."""
    if isinstance(value, int):
        return str((value + (1 << 63)) % (1 << 64) - (1 << 63))
    if value != value:
        return "-nan" if math.copysign(1, value) < 0 else "nan"
    return f"{value:.14g}"


class Memo(dict[Key, str], Generic[Key]):
    """A function of few distinct arguments, each computed once. For map(memo.__getitem__, arguments)."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[Key], str]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, argument: Key) -> str:
        if len(self) >= MEMO_SIZE:
            self.clear()
        result = self[argument] = self._function(argument)
        return result
