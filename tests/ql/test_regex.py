"""Which patterns are accepted, which are kept in a process of their own, and that none is a danger."""

from __future__ import annotations

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm3s.errors import QueryRejected
from osm3s.ql import parse
from osm3s.ql.regex import INVALID, TOO_COSTLY, RegexCheck, size_here

BOMBS = [
    "((((a{1,255}){1,255}){1,255}){1,255})",
    "(" * 25 + "a" + "+)" * 25,
    "a" + "+" * 40,
    "(" * 20_000 + "a" + ")" * 20_000,
    "a|" * 150_000,
    "(a{1,32767}){1,32767}",
]


@pytest.mark.parametrize(
    ("pattern", "size"),
    [
        ("", 1),
        ("abc", 3),
        ("^(a|bc)$", 7),
        ("[a-z]", 1),
        ("[]a]", 1),
        ("[^]a[:alpha:]]x", 2),
        ("\\.x", 2),
        ("ab*", 3),
        ("(ab)+", 7),
        ("a{3}", 4),
        ("a{,4}", 5),
        ("a{2,}", 4),
        ("a{", 2),
        ("(a", 2),
        ("a)", 2),
    ],
)
def test_size(pattern: str, size: int) -> None:
    assert size_here(pattern) == size


@pytest.mark.parametrize("pattern", [*BOMBS, "(a)\\1", "a{99999999999}", "a{1,2000}{1,20}"])
def test_bombs_are_kept_apart(pattern: str) -> None:
    assert size_here(pattern) == 0


@given(st.text(alphabet="ab(|)[]^-*+?{},\\1", max_size=60))
def test_any_text_has_a_size(pattern: str) -> None:
    assert 0 <= size_here(pattern) <= 10_000


@pytest.mark.parametrize("pattern", BOMBS)
def test_a_bomb_is_rejected(pattern: str) -> None:
    assert RegexCheck()(pattern, True) == TOO_COSTLY


def test_the_time_for_all_patterns_is_limited() -> None:
    check = RegexCheck(limit_s=0.1)
    verdicts = [check("(x*y*)*" * (1000 + i), True) for i in range(200)]
    assert set(verdicts) == {TOO_COSTLY}
    assert check("a", True) == TOO_COSTLY


def test_a_costly_pattern_is_a_static_error() -> None:
    with pytest.raises(QueryRejected, match=f'{TOO_COSTLY}: "a[+]'):
        parse(f'node[a~"a{"+" * 40}"];')


@pytest.mark.parametrize("pattern", ["(", "a{3,2}", "[b-a]", "*a{", "(a)\\2", "[[:nothing:]]", "a" * 20_000 + "("])
def test_an_invalid_pattern_is_invalid_here_and_apart(pattern: str) -> None:
    libc = ctypes.CDLL(None)
    compiled = ctypes.create_string_buffer(1024)
    expected = INVALID if libc.regcomp(compiled, pattern.encode(), 9) else ""
    assert RegexCheck()(pattern, True) == expected


def test_long_and_repeated_patterns_are_accepted() -> None:
    check = RegexCheck()
    names = "|".join(f"name {i}" for i in range(2000))
    assert check(f"^({names})$", True) == "" == check(f"^({names})$", False)
    assert check("(..)\\1", True) == ""
