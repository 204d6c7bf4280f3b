"""The console says which statement a long query has come to."""

from __future__ import annotations

import os
import re

import pytest

from osm3s.eval.explanation import Explanation
from osm3s.ql import Element
from osm3s.serve.messages import Messages, Verbosity
from osm3s.serve.progress import Progress


def test_the_statement_is_named_while_it_runs() -> None:
    reader, writer = os.pipe()
    explanation = Explanation()
    explanation.begin(Element("query", line=3))
    with Progress(Messages(writer, Verbosity.PROGRESS), explanation, every_s=0.001):
        line = os.read(reader, 100)
    assert re.match(rb'After 0h[0-9]+m[0-9]+s: in "query", on line 3\.\n', line)
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("verbosity", [Verbosity.QUIET, Verbosity.CONCISE])
def test_who_does_not_want_it_is_told_nothing(verbosity: Verbosity) -> None:
    reader, writer = os.pipe()
    progress = Progress(Messages(writer, verbosity), Explanation(), every_s=0.001)
    with progress:
        pass
    os.close(writer)
    assert os.read(reader, 100) == b""
    os.close(reader)
