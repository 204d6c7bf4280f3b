"""Runs of rules: what they store, what they leave, and that the built-in conditions are those of the rules file."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from outlines import Area, box_of, stored, update
from update.osm_xml import change_file, osm_file
from update.programs import run, update_database

from osm3s import ql
from osm3s.areas.conditions import CONDITIONS
from osm3s.cli import rules_loop
from osm3s.ffi.batch import Element
from osm3s.paths import DatabaseDir
from osm3s.storage.areas import open_areas
from osm3s.storage.snapshot import Snapshot

RULES = Path(__file__).resolve().parents[2] / "dbdir-template" / "rules"
SQUARE = [(0, 0), (0, 10), (10, 10), (10, 0)]
NODES = [Element("node", i, position, 1, 0, 0, 0, "", False, [], [], []) for i, position in enumerate(SQUARE, 1)]
WAYS = [
    Element("way", 1, None, 1, 0, 0, 0, "", False, [("kind", "ring")], [1, 2, 3, 1], []),
    Element("way", 2, None, 1, 0, 0, 0, "", False, [("kind", "ring")], [1, 3], []),
    Element("way", 3, None, 1, 0, 0, 0, "", False, [], [1, 4, 3], []),
]
RELATIONS = [
    Element("relation", 1, None, 1, 0, 0, 0, "", False, [("name", "A"), ("type", "boundary")], [], [("way", 1, "")]),
    Element("relation", 2, None, 1, 0, 0, 0, "", False, [("postal_code", "9")], [], [("way", 2, ""), ("way", 3, "")]),
    Element("relation", 3, None, 1, 0, 0, 0, "", False, [("addr:postcode", "9")], [], [("way", 3, "")]),
]
MAP = osm_file([*NODES, *WAYS, *RELATIONS])
WAYS_RULE = """<query type="way"><has-kv k="kind"/></query><foreach into="w">
  <union><recurse type="way-node" from="w"/><item set="w"/></union><make-area pivot="w"/></foreach>"""
LINES = {1: [(0, 0), (0, 10), (10, 10), (0, 0)], 2: [(0, 0), (10, 10)], 3: [(0, 0), (10, 0), (10, 10)]}


def area(tags: list[tuple[str, str]], *ways: int) -> Area:
    lines = [LINES[way] for way in ways]
    return Area(tags, lines, box_of(lines))


BY_CONDITIONS = {
    3_600_000_001: area([("name", "A"), ("type", "boundary")], 1),
    3_600_000_002: area([("postal_code", "9")], 2, 3),
}


def run_rules(root: Path, text: str, *arguments: str) -> str:
    """What is said on stderr."""
    answer = run("osm3s_query", f"--db-dir={root}", "--rules", *arguments, stdin=text.encode())
    assert answer.returncode == 0, answer.stderr
    return answer.stderr.decode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    update(tmp_path / "db", MAP, "none", "t1")
    return tmp_path / "db"


@pytest.mark.parametrize("name", ["areas.osm3s", "areas_delta.osm3s"])
def test_the_conditions_are_those_of_the_rules_file(name: str) -> None:
    text = (RULES / name).read_text()
    queries = ElementTree.fromstring(text).findall("union[1]/query")
    assert {query.get("type") for query in queries} == {"relation"}
    found = tuple(tuple((kv.get("k"), kv.get("v", "")) for kv in query.findall("has-kv")) for query in queries)
    assert found == CONDITIONS
    changed = [len(query.findall("changed")) for query in queries]
    assert changed == [name != "areas.osm3s"] * len(CONDITIONS)
    ql.parse(text.replace("{{area_version}}", "2024-01-01T00:00:00Z"))


def test_rules_make_the_same_areas_as_the_generator(root: Path) -> None:
    said = run_rules(root, (RULES / "areas.osm3s").read_text())
    assert "runtime remark: make-area: Node 1 is contained in an odd number of ways.\n" in said
    assert stored(root) == BY_CONDITIONS
    assert Path(DatabaseDir(str(root)).areas.version).read_text() == "t1\n"
    assert update_database(root, change_file([]), "--areas=auto").returncode == 0
    assert stored(root) == BY_CONDITIONS


def test_rules_of_an_operator(root: Path) -> None:
    run_rules(root, (RULES / "areas.osm3s").read_text())
    said = run_rules(root, WAYS_RULE)
    assert "make-area: Node 1 is contained in an odd number of ways." in said
    of_way = {2_400_000_001: area([("kind", "ring")], 1)}
    assert stored(root) == BY_CONDITIONS | of_way
    change = change_file([NODES[0]._replace(position=(1, 1)), RELATIONS[0]._replace(deleted=True)])
    assert update_database(root, change, "--version=t2").returncode == 0
    assert stored(root) == BY_CONDITIONS | of_way, "areas are those of the last run"
    with Snapshot(DatabaseDir(str(root))) as snapshot:
        assert snapshot.settings.timestamp == "t2"
        assert snapshot.areas is not None and snapshot.areas.timestamp == "t1"
    run_rules(root, WAYS_RULE)
    moved = area([("kind", "ring")], 1)
    lines = [[(1, 1), (0, 10), (10, 10), (1, 1)]]
    assert stored(root) == {
        3_600_000_002: BY_CONDITIONS[3_600_000_002],
        2_400_000_001: moved._replace(lines=lines, box=box_of(lines)),
    }


def test_a_run_replaces_what_the_generator_has_made(root: Path) -> None:
    assert update_database(root, change_file([]), "--areas=auto").returncode == 0
    assert stored(root) == BY_CONDITIONS
    run_rules(root, WAYS_RULE)
    assert sorted(stored(root)) == [2_400_000_001]
    assert update_database(root, change_file([NODES[3]._replace(position=(9, 9))])).returncode == 0
    assert sorted(stored(root)) == [2_400_000_001]


def test_ways_with_nodes_that_are_not_in_the_set_are_left_out(root: Path) -> None:
    ways = "".join(f'<id-query type="way" ref="{i}"/>' for i in (2, 3))
    nodes = "".join(f'<id-query type="node" ref="{i}"/>' for i in (1, 3))
    pivot = '<id-query type="relation" ref="2" into="p"/>'
    run_rules(root, f'{pivot}<union>{ways}</union><make-area pivot="p"/>')
    assert stored(root) == {}
    run_rules(root, f'{pivot}<union>{ways}{nodes}</union><make-area pivot="p"/>')
    nothing_inside = Area([("postal_code", "9")], [], (0, 0, 10, 10))
    assert stored(root) == {3_600_000_002: nothing_inside}, "what is left is not closed"


def test_the_area_that_was_made_is_returned(root: Path) -> None:
    use = '<print/><query type="node"><area-query/></query><print mode="ids_only"/></foreach>'
    answer = run("osm3s_query", f"--db-dir={root}", "--rules", stdin=WAYS_RULE.replace("</foreach>", use).encode())
    body = answer.stdout.decode().split("/>\n\n", 1)[1]
    assert answer.returncode == 0 and '<area id="2400000001">\n    <tag k="kind" v="ring"/>\n  </area>' in body
    assert [line.strip() for line in body.splitlines() if "<node" in line] == [f'<node id="{i}"/>' for i in (1, 2, 3)]


def test_runs_without_areas(root: Path) -> None:
    run_rules(root, '<id-query type="node" ref="1"/><print/>')
    assert open_areas(str(root)) is None
    run_rules(root, '<make-area pivot="none"/>')
    assert stored(root) == {}


def test_only_rules_make_areas(root: Path) -> None:
    answer = run("osm3s_query", f"--db-dir={root}", stdin=WAYS_RULE.encode())
    assert answer.returncode == 4 and answer.stdout == b""
    assert answer.stderr.decode().endswith(
        "runtime error: Specify --rules to execute a rule. make-area can only appear in rules.\n"
    )
    assert open_areas(str(root)) is None


def test_the_loop(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert rules_loop.main([str(root), "--once"]) == 0
    assert stored(root) == BY_CONDITIONS
    lines = Path(DatabaseDir(str(root)).rules_loop_log).read_text().splitlines()
    assert [line[19:] for line in lines] == [": update started", ": update finished"]
    own = Path(DatabaseDir(str(root)).rules)
    own.mkdir()
    (own / "areas.osm3s").write_text(WAYS_RULE)
    assert rules_loop.main([str(root), "--once"]) == 0
    assert sorted(stored(root)) == [2_400_000_001, *BY_CONDITIONS]
    (own / "areas_delta.osm3s").write_text("<!-- {{area_version}} -->")
    assert rules_loop.rules(DatabaseDir(str(root)), delta=True) == "<!-- t1 -->"
    assert rules_loop.main([]) == 1 and rules_loop.main([str(root), "--what"]) == 1
    assert "Usage" in capfd.readouterr().err
