"""Areas in queries, judged by the reference; and what of them depends on the format or on the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from area_map import CONTENT, golden, make
from golden_map import run
from small_map import answer, bring_in, names, node, osm, way

from osm3s.areas import generator
from osm3s.eval.area_ids import uses_areas
from osm3s.eval.limits import Limits
from osm3s.ql import parse
from osm3s.storage.snapshot import Snapshot


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    with make(tmp_path_factory.mktemp("areas") / "db") as opened:
        yield opened


@pytest.mark.parametrize(("query", "body"), golden(), ids=lambda text: text[:60])
def test_answer_is_that_of_the_reference(snapshot: Snapshot, query: str, body: str) -> None:
    assert run(snapshot, query) == body


@pytest.mark.parametrize(
    ("bare", "query"),
    [
        ('<area-query ref="3600000051"/>', "node(area:3600000051);"),
        ('<id-query type="area" ref="3600000051"/><area-query/>', "area(3600000051);node(area);"),
        ('<coord-query lat="50.203" lon="10.208"/>', "is_in(50.203,10.208);"),
        ('<query type="area"><has-kv k="name"/></query><pivot/>', "area[name]->.a;nwr(pivot.a);"),
        ('<id-query type="relation" ref="51"/><map-to-area/>', "rel(51);map_to_area;"),
        ('<id-query type="area" lower="3600000052" upper="3600000053"/>', "area(id:3600000052,3600000053);"),
    ],
)
def test_xml(snapshot: Snapshot, bare: str, query: str) -> None:
    found = run(snapshot, f'<osm-script>{bare}<print mode="ids_only"/></osm-script>')
    assert found and found == run(snapshot, query + "out ids;")


def test_stored_areas_count_as_deriveds(snapshot: Snapshot) -> None:
    """Closed ways do not."""
    areas = run(snapshot, "area[name];out ids;").count("<area ")
    assert areas > 0
    assert f'v="{areas}"' in run(snapshot, "area[name];make x n=count(deriveds);out;")


@pytest.mark.parametrize(
    "tags",
    ["[admin_level=9]", "[admin_level!=9]", '[name~"^[TP]"]', '[name!~"^t",i][admin_level]', '[~"^name$"~"^[TW]"]'],
)
def test_tags_of_a_set_are_judged_like_those_of_all_areas(snapshot: Snapshot, tags: str) -> None:
    found = run(snapshot, f"area[name]{tags};out ids;")
    assert " id=" in found
    assert run(snapshot, f"area[name]->.a;area.a{tags};out ids;") == found


def test_csv_and_json(tmp_path: Path) -> None:
    root = tmp_path / "db"
    make(root).close()
    assert '"type": "area",\n  "id": 3600000051,\n  "tags": {\n    "admin_level": "8"' in answer(
        root, "area[name=Town];out;", "json"
    )
    assert '"areas": "3"' in answer(root, "area[admin_level];out count;", "json")


def test_without_stored_areas(tmp_path: Path) -> None:
    """Closed ways are areas even if none are stored."""
    root = tmp_path / "db"
    bring_in(root, CONTENT, "2020-02-01T00:00:00Z", "data")
    assert names(root, "is_in(50.203,10.208);out ids;") == "w35"
    assert names(root, "area[name];out ids;") == "w35"
    assert names(root, "node(area:3600000051);out ids;") == ""
    assert names(root, "rel(51);map_to_area;out ids;") == ""


def test_closed_ways_are_found_where_they_are_now(tmp_path: Path) -> None:
    root = tmp_path / "db"
    bring_in(root, CONTENT, "2020-02-01T00:00:00Z", "data")
    change = (
        '<osmChange version="0.6"><modify><node id="13" lat="50.19" lon="10.205" version="2"/></modify></osmChange>'
    )
    bring_in(root, change, "2020-02-02T00:00:00Z", "data")
    assert names(root, "is_in(50.203,10.208);way._;out ids;") == ""
    assert names(root, "is_in(50.197,10.205);way._;out ids;") == "w35"
    assert names(root, "way(35);node(area)[place];out ids;") == "n27"


def test_closed_ways_of_the_past(tmp_path: Path) -> None:
    """Stored areas have no past, closed ways have."""
    root = tmp_path / "db"
    bring_in(root, CONTENT, "2020-02-01T00:00:00Z", "attic")
    moved = 'lat="50.19" lon="10.205" version="2" timestamp="2020-02-01T12:00:00Z" changeset="2" uid="1" user="u"'
    change = f'<osmChange version="0.6"><modify><node id="13" {moved}/></modify></osmChange>'
    bring_in(root, change, "2020-02-02T00:00:00Z", "attic")
    for query, before, now in [
        ("is_in(50.203,10.208);out ids;", "w35", ""),
        ("is_in(50.197,10.205);out ids;", "", "w35"),
        ("node[place=park];is_in;out ids;", "w35", ""),
        ("way(35);node(area)[place=park];out ids;", "n23", ""),
    ]:
        assert names(root, query) == now
        assert names(root, f'[date:"2020-01-15T00:00:00Z"];{query}') == before


def test_the_memory_of_areas_counts(snapshot: Snapshot) -> None:
    areas, query = "area[name];out ids;", "area[name];node(area);out ids;"
    assert run(snapshot, areas, Limits(maxsize_bytes=8000)) == run(snapshot, areas) != ""
    remark = run(snapshot, query, Limits(maxsize_bytes=8000))
    assert remark.startswith('runtime error: Query run out of memory in "query" at line 1')
    assert run(snapshot, query, Limits(maxsize_bytes=10_000_000)) == run(snapshot, query) != ""


def test_a_way_of_one_node_contains_nothing(tmp_path: Path) -> None:
    root = tmp_path / "db"
    ways = [way(1, [1]), way(2, [1, 1]), way(3, [1, 2, 1])]
    bring_in(root, osm(node(1, (50.0, 7.0)), node(2, (50.001, 7.001)), *ways), "2020-02-01T00:00:00Z", "data")
    assert names(root, "is_in(50,7);out ids;") == names(root, "node(1);is_in;out ids;") == "w2 w3"
    assert names(root, "way(1);node(area);out ids;") == ""
    assert names(root, "way(2);node(area);out ids;") == "n1"
    assert names(root, "way(3);node(area);out ids;") == "n1 n2"
    assert names(root, "way(1);map_to_area;out ids;") == "w1"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_closed_way_around_a_pole_reaches_farther_than_its_nodes(tmp_path: Path, sign: int) -> None:
    root = tmp_path / "db"
    corners = [node(i, (sign * 80.0, lon)) for i, lon in enumerate((0.0, 120.0, -120.0), 1)]
    inside, outside = node(8, (sign * 89.0, 20.0)), node(9, (sign * 79.0, 20.0))
    bring_in(root, osm(*corners, inside, outside, way(1, [1, 2, 3, 1])), "2020-02-01T00:00:00Z", "data")
    assert names(root, f"is_in({sign * 89},20);out ids;") == names(root, "node(8);is_in;out ids;") == "w1"
    assert names(root, f"is_in({sign * 79},20);out ids;") == names(root, "node(9);is_in;out ids;") == ""
    assert names(root, "way(1);node(area);out ids;") == "n1 n2 n3 n8"


def test_which_queries_tell_the_time_of_areas() -> None:
    telling = ["is_in(1,1);", "area[a];", "area(1);", "node(area:1);", "map_to_area;", "way(area)[a];"]
    assert all(uses_areas(parse(query)) for query in telling)
    assert not any(uses_areas(parse(query)) for query in ["node(1);", "rel(pivot);", 'way["area"="yes"];'])


LATER = (
    '<osmChange version="0.6"><modify>'
    + node(13, (50.19, 10.205))
    + node(21, (50.4, 10.05), tags="place=west")
    + node(28, (50.15, 10.1), tags="place=outside")
    + node(3, (50.35, 10.35))
    + "</modify></osmChange>"
)
DATED = [
    ("area[name=Town]->.a;node(area.a)[place];out ids;", "n21 n22 n23 n25 n26 n27 n29", "n22 n23 n25 n26 n27 n28 n29"),
    ("area[name=Town]->.a;way(area.a);out ids;", "w32 w33 w35 w41 w42 w43 w45", "w33 w35 w41 w42 w43 w45 w46"),
    ("way(35);nwr(area);out ids;", "n11 n12 n13 n23 n27 n29 w35 w42 w43", "n11 n12 n13 n27 w35"),
    ("rel(51);map_to_area->.a;way(area.a)[highway];out ids;", "w41 w42 w43 w45", "w41 w42 w43 w45 w46"),
    ("is_in(50.15,10.05);out ids;", "a3600000051 a3600000052", "a3600000051 a3600000052"),
    ("is_in(50.203,10.208);out ids;", "w35 a3600000051 a3600000053", "a3600000051 a3600000053"),
    ('node(area:3600000051)(newer:"2020-02-01T00:00:00Z");out ids;', "", "n3 n13 n28"),
]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The map with its history; some nodes moved in March, and the areas with them."""
    root = tmp_path_factory.mktemp("dated") / "db"
    bring_in(root, CONTENT, "2020-02-01T00:00:00Z")
    later = LATER.replace('version="1"', 'version="2"').replace("2020-01-01", "2020-03-01")
    bring_in(root, later, "2020-03-02T00:00:00Z")
    generator.follow(str(root))
    return root


@pytest.mark.parametrize(("query", "before", "after"), DATED, ids=[query for query, _, _ in DATED])
def test_dates_hold_for_what_is_in_areas(changed: Path, query: str, before: str, after: str) -> None:
    """Stored areas themselves have no past. The answers are those of the reference."""
    assert names(changed, f'[date:"2020-02-15T00:00:00Z"];{query}') == before
    assert names(changed, f'[date:"2020-04-01T00:00:00Z"];{query}') == after == names(changed, query)


def test_relations_of_areas_at_a_date(changed: Path) -> None:
    """As they were then; the reference loses those that have changed since."""
    assert names(changed, '[date:"2020-02-15T00:00:00Z"];area[admin_level];rel(pivot);out ids;') == "r51 r52 r53"
    in_town = "area[name=Town]->.a;rel(area.a);out ids;"
    assert names(changed, f'[date:"2020-02-15T00:00:00Z"];{in_town}') == "r51 r52 r53 r55", "not 56, by a later place"
