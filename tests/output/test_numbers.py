"""Coordinates, ids and times, formatted by the native core, against Python's own formatting."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from map_blocks import NODE, Blocks, ElementSet, Map, Meta, Node

from osm3s.ffi import check, ffi, lib
from osm3s.ffi.out import RowPrinter, Rows, Users
from osm3s.ffi.sink import Sink


def lines(rows: list[tuple[int, int, int]]) -> list[str]:
    """Unresolved node rows (id, lat, lon) as lines of a table."""
    elements = ElementSet()
    for id_, lat, lon in rows:
        target = ffi.addressof(elements.handle.of[NODE])
        check(lib.osm3s_rows_push(target, id_, lib.OSM3S_UNRESOLVED, 0, lat, lon))
    sink = Sink()
    fields = [("id", True), ("lat", True), ("lon", True)]
    RowPrinter("csv", mode="skeleton", fields=fields, separator=" ").print(Rows(None, elements, NODE), sink)
    return sink.data().decode().splitlines()


def plain(id_: int, lat: int, lon: int) -> str:
    return f"{id_} {Decimal(lat) / 10**7:.7f} {Decimal(lon) / 10**7:.7f}"


BORDERS = [0, 1, 9, 10, 99, 100, 9_999_999, 10_000_000, 10_000_001, 99_999_999, 100_000_000, 999_999_999]
COORDS = [sign * (v + d) for v in [*BORDERS, 1_800_000_000, 2_147_483_646] for d in (0, 1) for sign in (1, -1)]


def test_coordinates_of_every_size() -> None:
    rows = [(1, lat, lon) for lat, lon in zip(COORDS, reversed(COORDS), strict=True)]
    assert lines(rows) == [plain(*row) for row in rows]


def test_ids_of_every_size() -> None:
    ids = sorted({10**k + d for k in range(20) for d in (-1, 0, 1)} | {2**32, 2**53 + 1, 2**63, 2**64 - 1})
    rows = [(id_, 0, 0) for id_ in ids]
    assert lines(rows) == [plain(*row) for row in rows]


COORD = st.integers(-(2**31) + 1, 2**31 - 1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), COORD, COORD), max_size=50))
def test_any_number(rows: list[tuple[int, int, int]]) -> None:
    assert lines(rows) == [plain(*row) for row in rows]


@pytest.mark.parametrize("format_", ["xml", "json"])
def test_unresolved_nodes_have_neither_tags_nor_metadata(format_: str) -> None:
    elements = ElementSet()
    check(lib.osm3s_rows_push(ffi.addressof(elements.handle.of[NODE]), 5, lib.OSM3S_UNRESOLVED, 0, -1, 10**9))
    sink = Sink()
    RowPrinter(format_, mode="meta").print(Rows(None, elements, NODE), sink)
    assert (
        sink.data().decode()
        == {
            "xml": '  <node id="5" lat="-0.0000001" lon="100.0000000"/>\n',
            "json": '{\n  "type": "node",\n  "id": 5,\n  "lat": -0.0000001,\n  "lon": 100.0000000\n}',
        }[format_]
    )


def test_times(tmp_path: Path) -> None:
    dates = [
        datetime(y, m, d, 23, 59, 58, tzinfo=UTC)
        for y in (1970, 1999, 2000, 2023, 2024, 2100)
        for m in (1, 2, 3, 12)
        for d in (1, 28)
    ]
    dates += [
        datetime(2000, 2, 29, tzinfo=UTC),
        datetime(2024, 2, 29, 12, tzinfo=UTC),
        datetime(2106, 2, 7, tzinfo=UTC),
    ]
    seconds = [1, 86399, 86400, *(int(date.timestamp()) for date in dates)]
    content = Map(Node(i + 1, 0, 0, {"k": "v"}, Meta(1, s, 1, 1)) for i, s in enumerate(seconds))
    blocks, sink = Blocks(content, tmp_path), Sink()
    printer = RowPrinter("csv", mode="meta", users=Users.of({}), fields=[("timestamp", True)])
    printer.print(Rows(blocks, blocks.elements(nodes=content.nodes), NODE), sink)
    shown = sink.data().decode().splitlines()
    assert shown == [datetime.fromtimestamp(s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for s in seconds]
