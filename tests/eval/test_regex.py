"""Regular expressions of the core: the same answers in this process and in one apart, and limits that hold."""

from __future__ import annotations

import ctypes
import os
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm3s.errors import QueryFailed, QueryOutOfMemory, QueryTimeout
from osm3s.eval.limits import Limits
from osm3s.ffi.regex import Regex
from osm3s.ql.regex import RegexCheck

HOSTILE = "(.*)(.*)(.*)(.*)(.*)\\1\\2\\3\\4\\5x"
HERE, APART = 1, 0


@pytest.mark.parametrize("size", [HERE, APART])
@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^a.c$", "abc", True),
        ("^a.c$", "aéc", True),
        ("^a.c$", "abbc", False),
        ("b+", "abbc", True),
        ("\\bx\\w", "a xy", True),
        ("", "", True),
        (".", "", True),
        (".*", "", True),
        ("^$", "", True),
        ("a", "b" * 5000 + "a", True),
    ],
)
def test_answers(size: int, pattern: str, text: str, found: bool) -> None:
    regex = Regex(pattern, False, size)
    assert regex.matches(text) is found
    assert regex.matches(text) is found


@given(st.text(alphabet="ab|*()[].^$", max_size=12), st.lists(st.text(alphabet="ab", max_size=8), max_size=4))
def test_a_process_apart_answers_the_same(pattern: str, texts: list[str]) -> None:
    if RegexCheck()(pattern, True):
        with pytest.raises(QueryFailed, match="Invalid regular expression"):
            Regex(pattern, False, APART)
        return
    here, apart = Regex(pattern, False, HERE), Regex(pattern, False, APART)
    assert [here.matches(text) for text in texts] == [apart.matches(text) for text in texts]


@pytest.mark.parametrize("size", [HERE, APART])
def test_case(size: int) -> None:
    assert Regex("É", True, size).matches("é")
    assert not Regex("É", False, size).matches("é")


@pytest.mark.parametrize("size", [HERE, APART])
def test_an_invalid_pattern(size: int) -> None:
    with pytest.raises(QueryFailed, match=re.escape('Invalid regular expression: "a("')):
        Regex("a(", False, size)


def test_matching_ends_when_time_is_up() -> None:
    limits = Limits(timeout_s=0.3)
    regex = Regex(HOSTILE, False, APART, limits.handle)
    with pytest.raises(QueryTimeout):
        regex.matches("ab" * 100)


def test_a_long_text_is_matched_apart_and_ends_as_well() -> None:
    limits = Limits(timeout_s=0.3)
    regex = Regex("(a|aa)*(b|ab)*c", False, HERE, limits.handle)
    with pytest.raises(QueryTimeout):
        regex.matches("ab" * 2_000_000)


def test_compiling_ends_when_time_is_up() -> None:
    limits = Limits(timeout_s=0.3)
    with pytest.raises(QueryTimeout):
        Regex("(x*y*)*" * 3000, False, APART, limits.handle)


def test_what_takes_the_stack_of_the_process_apart_is_an_error() -> None:
    with pytest.raises(QueryOutOfMemory):
        Regex("(" * 100_000 + "a" + ")" * 100_000, False, APART)


def children() -> set[int]:
    """Running or not waited for."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(path.parent.name))
    return found


def test_no_process_stays_behind() -> None:
    before = children()
    regex = Regex("a", False, APART)
    assert regex.matches("a")
    (apart,) = children() - before
    del regex
    assert apart not in children()


def test_a_pattern_whose_states_pile_up_goes_on() -> None:
    """The C library keeps every set of positions it has met; they are forgotten from time to time."""
    regex = Regex("(a|b).{40}(c|d)", False, 100)
    plain = ctypes.CDLL(None)
    plain.srand(1)
    texts = ["".join("ab"[plain.rand() >> 8 & 1] for _ in range(120)) for _ in range(3000)]
    assert not any(regex.matches(text) for text in texts)
    assert regex.matches("a" + "b" * 40 + "c")
