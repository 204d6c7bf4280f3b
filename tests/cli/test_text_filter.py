"""The filters uncgi, tocgi and escape_xml."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm3s.cli.text_filter import FILTERS

PROGRAMS = Path(__file__).resolve().parent.parent.parent / "bin"


@pytest.mark.parametrize(
    ("name", "text", "result"),
    [
        ("uncgi", b"a%20b+c%C3%A9%zz%4&d=e", "a b c\u00e9%zz%4".encode()),
        ("tocgi", "a b\u00e9-_.~\n".encode(), b"a%20b%C3%A9%2D%5F%2E%7E%0A"),
        ("escape_xml", "\u00e9&\"<>'\n\t\r\x01".encode(), "\u00e9&amp;&quot;&lt;&gt;'&#x0a;&#x09;&#x0d;?".encode()),
        ("escape_xml", b"\xff", b"\xff"),
    ],
)
def test_filters(name: str, text: bytes, result: bytes) -> None:
    done = subprocess.run([str(PROGRAMS / name)], input=text, capture_output=True)
    assert (done.returncode, done.stdout) == (0, result)


@given(st.binary(max_size=50))
def test_what_is_encoded_can_be_decoded(text: bytes) -> None:
    assert FILTERS["uncgi"][1](FILTERS["tocgi"][1](text)) == text


def test_usage() -> None:
    done = subprocess.run([str(PROGRAMS / "tocgi"), "x"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        1,
        "tocgi: encodes a text as a value of a form; from standard input to standard output.\n",
    )
