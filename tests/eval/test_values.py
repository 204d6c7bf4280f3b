"""Numbers in texts and texts of numbers, judged by the C library."""

from __future__ import annotations

import ctypes
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from osm3s.eval.evaluators.aggregators import Extreme
from osm3s.eval.evaluators.operators import BINARY, negate
from osm3s.eval.evaluators.strings import suffix
from osm3s.eval.evaluators.values import Memo, integer, is_true, number, number_prefix, number_text, numbers

_libc = ctypes.CDLL(None, use_errno=True)
_libc.strtod.restype = ctypes.c_double
_libc.strtod.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)]
_libc.strtoll.restype = ctypes.c_longlong
_libc.strtoll.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int]

NUMBER_LIKE = st.text(alphabet="0123456789+-.eExXpPinfaNI() \t;b", max_size=12) | st.floats().map(repr)
INTEGERS = st.integers(-(2**63), 2**63 - 1)


def strtod(text: str) -> tuple[float, int, int]:
    """The value, where it ends, and errno."""
    buffer = ctypes.create_string_buffer(text.encode())
    start = ctypes.cast(buffer, ctypes.c_char_p)
    end = ctypes.c_char_p()
    ctypes.set_errno(0)
    value = _libc.strtod(start, ctypes.byref(end))
    rest = len(end.value or b"")
    return value, len(text.encode()) - rest, ctypes.get_errno()


def strtoll(text: str) -> tuple[int, int]:
    buffer = ctypes.create_string_buffer(text.encode())
    end = ctypes.c_char_p()
    value = _libc.strtoll(ctypes.cast(buffer, ctypes.c_char_p), ctypes.byref(end), 0)
    return value, len(text.encode()) - len(end.value or b"")


def test_extremes_begin_beyond_all_integers() -> None:
    for largest, only in ((True, -(2**63)), (False, 2**63 - 1)):
        extreme = Extreme(largest)
        extreme.add([str(only)])
        assert extreme.result() == str(only)


def same(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and b is not None and math.isnan(a) and math.isnan(b))


@given(NUMBER_LIKE)
@example("0x")
@example("08")
@example("99999999999999999999")
@example("nan(1")
@example("")
def test_a_text_is_a_number_if_all_of_it_is_one_for_c(text: str) -> None:
    whole, (value, end, _) = strtoll(text), strtod(text)
    assert integer(text) == (whole[0] if text and whole[1] == len(text) else None)
    assert same(numbers(text)[1], value if text and end == len(text) else None)


@given(NUMBER_LIKE)
@example("1e400 m")
@example("1e-320")
@example("-0e9x")
def test_the_number_at_the_start_and_what_follows(text: str) -> None:
    value, end, error = strtod(text)
    expected = None if error or end == 0 else value
    assert same(number_prefix(text), expected)
    assert suffix(text) == ("" if expected is None else text[end:].lstrip(" \t\n\v\f\r"))


@given(st.floats())
def test_floats_have_14_digits(value: float) -> None:
    expected = ("%.14g" % value) if value == value else "-nan" if math.copysign(1, value) < 0 else "nan"  # noqa: UP031
    assert number_text(value) == expected


@given(INTEGERS, INTEGERS)
def test_integers_wrap_around(a: int, b: int) -> None:
    for name, exact in (("eval-plus", a + b), ("eval-minus", a - b), ("eval-times", a * b)):
        assert BINARY[name](str(a), str(b)) == str(ctypes.c_longlong(exact).value)
    assert negate(str(a)) == str(ctypes.c_longlong(-a).value)


@given(st.text(max_size=8), st.text(max_size=8))
def test_texts_that_are_no_numbers_are_compared_as_texts(a: str, b: str) -> None:
    if number(a) is None or number(b) is None:
        assert BINARY["eval-less"](a, b) == (
            "1" if a.encode("utf-8", "surrogatepass") < b.encode("utf-8", "surrogatepass") else "0"
        )
        assert BINARY["eval-plus"](a, b) == a + b
        assert BINARY["eval-minus"](a, b) == BINARY["eval-divided-by"](a, b) == "NaN"


@given(NUMBER_LIKE, NUMBER_LIKE)
def test_comparisons_agree_with_each_other(a: str, b: str) -> None:
    def holds(name: str, left: str = a, right: str = b) -> bool:
        return BINARY[name](left, right) == "1"

    assert holds("eval-equal") != holds("eval-not-equal")
    assert holds("eval-less") == holds("eval-greater", b, a)
    assert holds("eval-less-equal") == holds("eval-greater-equal", b, a)
    assert holds("eval-less-equal") == (holds("eval-less") or holds("eval-equal"))


@pytest.mark.parametrize("text", ["1", "false", " ", "nan", "inf", "1e-9", "0x1", "0;"])
def test_true(text: str) -> None:
    assert is_true(text)


@pytest.mark.parametrize("text", ["", "0", "0.0", "-0", "0x0", "00", " 0", "0e7", ".0"])
def test_false(text: str) -> None:
    assert not is_true(text)


def test_a_memo_forgets_rather_than_grow() -> None:
    memo: Memo[int] = Memo(str)
    assert [memo[i] for i in range(200_000)] == [str(i) for i in range(200_000)]
    assert len(memo) <= 65536
