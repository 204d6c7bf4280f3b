"""Printing stops when the query must stop."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest
from map_blocks import NODE, ElementSet

from osm3s.errors import QueryFailed, QueryTimeout
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.out import RowPrinter, Rows
from osm3s.ffi.sink import Sink

N = 100_000


class Context:
    def __init__(self, **members: int) -> None:
        self.handle: Any = ffi.new("osm3s_context *", members)


@pytest.fixture(scope="module")
def many_nodes() -> ElementSet:
    elements = ElementSet()
    for id_ in range(1, N + 1):
        rows = ffi.addressof(elements.handle.of[NODE])
        check(lib.osm3s_rows_push(rows, id_, lib.OSM3S_UNRESOLVED, 0, id_, -id_))
    return elements


def test_time_used_up(many_nodes: ElementSet) -> None:
    with pytest.raises(QueryTimeout):
        RowPrinter("xml").print(Rows(None, many_nodes, NODE, Context(deadline_ns=1)), Sink())


def test_cancelled(many_nodes: ElementSet) -> None:
    with pytest.raises(QueryFailed):
        RowPrinter("xml").print(Rows(None, many_nodes, NODE, Context(cancelled=1)), Sink())


def test_without_limits_everything_is_printed(many_nodes: ElementSet) -> None:
    sink = Sink()
    assert RowPrinter("json").print(Rows(None, many_nodes, NODE, Context()), sink) == N
    assert sink.elements == N


def test_reader_leaves_in_the_middle(many_nodes: ElementSet) -> None:
    reading, writing = os.pipe()

    def read_a_little() -> None:
        os.read(reading, 10_000)
        os.close(reading)

    reader = threading.Thread(target=read_a_little)
    reader.start()
    with pytest.raises(QueryFailed, match="closed the connection"):
        RowPrinter("json").print(Rows(None, many_nodes, NODE), Sink(writing))
    reader.join()
    os.close(writing)
