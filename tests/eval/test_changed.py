"""The filter `changed`. The expected values are answers of the reference."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_map import answer, bring_in, names, node, osm, osm_change, relation, way

WORLD = osm(
    node(1, (1, 1), "2020-01-10T00:00:00Z", "name=a"),
    node(2, (1, 2), "2020-01-12T00:00:00Z"),
    *[node(n, (1, n), "2020-01-10T00:00:00Z") for n in (3, 4, 5, 6)],
    *[way(w, refs, "2020-01-11T00:00:00Z") for w, refs in enumerate([(1, 2), (2, 3), (3, 4), (5, 6), (1, 6)], 1)],
    relation(1, [("way", 1)], "2020-01-10T00:00:00Z"),
    relation(2, [("node", 2)], "2020-01-10T00:00:00Z"),
    relation(3, [("way", 3), ("relation", 1)], "2020-01-10T00:00:00Z"),
    relation(4, [("way", 4)], "2020-01-10T00:00:00Z"),
    relation(5, [("node", 4)], "2020-01-10T00:00:00Z"),
    relation(6, [("node", 3)], "2020-01-10T00:00:00Z"),
    relation(7, [("way", 5)], "2020-01-10T00:00:00Z"),
    relation(8, [("relation", 6)], "2020-01-10T00:00:00Z"),
)
FIRST_CHANGE = osm_change(
    modify=[
        node(3, (1.5, 3), "2020-01-14T00:00:00Z"),
        node(4, (1, 4), "2020-01-14T01:00:00Z", "a=b"),
        way(4, (5, 6), "2020-01-14T02:00:00Z", "a=b"),
        way(5, (1, 5), "2020-01-14T03:00:00Z"),
    ]
)
SECOND_CHANGE = osm_change(
    delete=[node(1, (0, 0), "2020-01-16T00:00:00Z")], modify=[node(3, (1, 3), "2020-01-16T01:00:00Z")]
)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("imported") / "db"
    bring_in(root, WORLD, "2020-01-13T00:00:00Z")
    return root


@pytest.fixture(scope="module")
def once_changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("once") / "db"
    bring_in(root, WORLD, "2020-01-13T00:00:00Z")
    bring_in(root, FIRST_CHANGE, "2020-01-15T00:00:00Z")
    return root


@pytest.fixture(scope="module")
def twice_changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("twice") / "db"
    bring_in(root, WORLD, "2020-01-13T00:00:00Z")
    bring_in(root, FIRST_CHANGE, "2020-01-15T00:00:00Z")
    bring_in(root, SECOND_CHANGE, "2020-01-17T00:00:00Z")
    return root


def changed(root: Path, *times: str, filters: str = "") -> str:
    interval = ",".join(f'"2020-01-{time}Z"' for time in times)
    return names(root, f"nwr(changed:{interval}){filters};out ids;")


def test_versions_of_an_import_count_but_not_that_nodes_are_newer_than_their_way(imported: Path) -> None:
    assert changed(imported, "09T00:00:00", "10T00:00:00") == "n1 n3 n4 n5 n6 r1 r2 r3 r4 r5 r6 r7 r8"
    assert changed(imported, "10T00:00:00", "11T00:00:00") == "w1 w2 w3 w4 w5"
    assert changed(imported, "11T23:59:59", "12T00:00:00") == "n2"
    assert changed(imported, "12T00:00:00", "13T00:00:00") == ""


def test_the_interval_is_open_at_its_beginning_and_closed_at_its_end(imported: Path) -> None:
    assert changed(imported, "11T00:00:00", "12T00:00:00") == "n2"
    assert changed(imported, "11T00:00:00", "11T23:59:59") == ""
    assert changed(imported, "12T00:00:00", "12T00:00:01") == ""


def test_one_time_or_twice_the_same_means_up_to_now(imported: Path) -> None:
    assert changed(imported, "10T00:00:00") == "n2 w1 w2 w3 w4 w5"
    assert changed(imported, "11T00:00:00", "11T00:00:00") == "n2"


def test_nothing_lies_in_an_interval_backwards_or_in_none(imported: Path) -> None:
    assert changed(imported, "12T00:00:00", "09T00:00:00") == ""
    assert names(imported, "nwr(changed);out ids;") == ""


def test_it_joins_with_other_filters(imported: Path) -> None:
    assert changed(imported, "09T00:00:00", filters="[name]") == "n1"
    assert changed(imported, "09T00:00:00", filters="(0.5,1.5,1.5,2.5)") == "n2 w1 w2 w5 r1 r2 r7"
    assert changed(imported, "09T00:00:00", filters="(id:2,3)") == "n2 n3 w2 w3 r2 r3"
    assert changed(imported, "09T00:00:00", filters='(changed:"2020-01-11T00:00:00Z")') == "n2"


def test_counting_finds_as_many(imported: Path) -> None:
    count = 'node(changed:"2020-01-10T00:00:00Z");out count;'
    assert '<tag k="nodes" v="1"/>' in answer(imported, count)


def test_as_a_statement_and_from_the_beginning(imported: Path) -> None:
    statement = '<changed since="{}" until="2020-01-10T00:00:00Z"/><print mode="ids_only"/>'
    everything_of_that_day = "n1 n3 n4 n5 n6 r1 r2 r3 r4 r5 r6 r7 r8"
    assert names(imported, statement.format("2020-01-01T00:00:00Z")) == everything_of_that_day
    assert names(imported, statement.format("init")) == everything_of_that_day
    assert names(imported, '<changed since="init"/><print mode="ids_only"/>') == ""


def test_moved_nodes_change_their_ways_and_relations_and_theirs(once_changed: Path) -> None:
    assert changed(once_changed, "13T00:00:00", "14T00:00:00") == "n3 w2 w3 r3 r6"


def test_new_tags_change_nothing_else(once_changed: Path) -> None:
    assert changed(once_changed, "14T00:00:00", "14T01:00:00") == "n4"
    assert changed(once_changed, "14T01:00:00", "14T02:00:00") == "w4"


def test_a_way_with_other_nodes_changes_its_relations(once_changed: Path) -> None:
    assert changed(once_changed, "14T02:00:00", "14T03:00:00") == "w5 r7"


def test_the_second_move(twice_changed: Path) -> None:
    assert changed(twice_changed, "16T00:00:00", "16T01:00:00") == "n3 w2 w3 r3 r6"


def test_what_did_not_change_again_keeps_its_time(twice_changed: Path) -> None:
    assert changed(twice_changed, "14T00:00:00", "14T03:00:00") == "n4 w4 w5 r7"


def test_replaced_versions_and_deletions_keep_their_time(twice_changed: Path) -> None:
    assert changed(twice_changed, "13T00:00:00", "14T00:00:00") == "n3 w2 w3 r3 r6"
    assert changed(twice_changed, "15T00:00:00", "16T00:00:00") == "w1 w5 r1 r7"


def test_deletion_counts_for_what_came_back(tmp_path: Path) -> None:
    root = tmp_path / "db"
    bring_in(root, osm(node(1, (1, 1), "2020-01-10T00:00:00Z")), "2020-01-11T00:00:00Z")
    bring_in(root, osm_change(delete=[node(1, (1, 1), "2020-01-14T00:00:00Z")]), "2020-01-14T00:00:00Z")
    bring_in(root, osm_change(create=[node(1, (1, 1), "2020-01-16T00:00:00Z")]), "2020-01-16T00:00:00Z")
    assert changed(root, "13T00:00:00", "14T00:00:00") == "n1"
    assert changed(root, "14T00:00:00", "15T00:00:00") == ""
    assert changed(root, "15T00:00:00", "16T00:00:00") == "n1"


@pytest.mark.parametrize("level", ["data", "meta"])
def test_it_needs_superseded_versions(tmp_path: Path, level: str) -> None:
    bring_in(tmp_path / "db", WORLD, "2020-01-13T00:00:00Z", level)
    text = answer(tmp_path / "db", 'node(changed:"2020-01-10T00:00:00Z");out ids;')
    assert "<node" not in text
    assert "Tried to use museum file but no museum files available on this instance." in text
