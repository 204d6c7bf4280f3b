"""Geometry of derived objects counts towards maxsize: as much as it takes, and once however many objects have it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from golden_map import run
from small_map import bring_in, node, osm, way

from osm3s.eval.limits import Limits
from osm3s.ffi.element_set import ElementSet
from osm3s.output.derived import Collection, Derived, Geometry, Line, Point, Polygon, Position
from osm3s.storage.snapshot import Snapshot, open_snapshot

N = 1900
CONVERTED = "(" + "way(1);convert a ::geom=geom();" * 10 + ");out count;"
GATHERED = "node(w);make a ::geom=gcat(geom());out count;"
SHARED = "node(w);convert a ::geom=gcat(geom());out count;"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    root = tmp_path_factory.mktemp("geometry") / "db"
    nodes = [node(i, (50 + i * 1e-5, 7)) for i in range(1, N + 1)]
    bring_in(root, osm(*nodes, way(1, range(1, N + 1))), "2024-01-01T00:00:00Z")
    with open_snapshot(str(root)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "too_small", "enough"),
    [(CONVERTED, 1_000_000, 8_000_000), ("way(1);" + GATHERED, 120_000, 1_000_000)],
)
def test_it_counts(snapshot: Snapshot, query: str, too_small: int, enough: int) -> None:
    assert "Query run out of memory in " in run(snapshot, query, Limits(maxsize_bytes=too_small))
    assert "out of memory" not in run(snapshot, query, Limits(maxsize_bytes=enough))


def test_what_objects_share_counts_once(snapshot: Snapshot) -> None:
    """Taken for each of them, it would be hundreds of megabytes."""
    assert "out of memory" not in run(snapshot, "way(1);" + SHARED, Limits(maxsize_bytes=2_000_000))


def line(n: int) -> list[Position]:
    return [(50 + i / 1000, 7 + i / 1000) for i in range(n)]


@pytest.mark.parametrize("kind", [Line, Polygon, Collection])
def test_it_is_about_what_it_takes(kind: type) -> None:
    set_ = ElementSet()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(100):
        shapes: dict[type, Geometry] = {
            Line: Line(line(500)),
            Polygon: Polygon([line(400), line(100)]),
            Collection: Collection([Collection([Point(*position)]) for position in line(300)]),
        }
        set_.deriveds.append(Derived("a", number, [], shapes[kind]))
        del shapes
        set_.memory_bytes()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert 0.5 < set_.memory_bytes() / taken < 1.5


def test_what_is_nested_without_end_is_measured(snapshot: Snapshot) -> None:
    shape: Geometry = Point(1, 2)
    for _ in range(200):
        shape = Collection([shape, shape])
    set_ = ElementSet()
    set_.put_deriveds([Derived("a", 1, [], shape)])
    assert set_.memory_bytes() < 200 * 100
