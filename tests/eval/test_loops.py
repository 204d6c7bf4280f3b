"""Loops: limits inside of them, scopes, and what is left to the next statement."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from golden_map import make, run

from osm3s.errors import QueryRejected
from osm3s.eval.limits import Limits
from osm3s.eval.scope import Scope
from osm3s.ffi.element_set import ElementSet
from osm3s.storage.snapshot import Snapshot


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    with make(tmp_path_factory.mktemp("loops") / "db") as opened:
        yield opened


NESTED = "nwr(50,6,52,8)->.a;" + "".join(f"foreach.a->.v{i}{{" for i in range(12)) + "make x;" + "}" * 12
ENDLESS = "complete(1048576){make x;(._;make y;);}"
DEEP_GROUPS = "nwr(50,6,52,8)->.a;" + "".join(f"for.a->.v{i}(id()){{" for i in range(12)) + "make x;" + "}" * 12


@pytest.mark.parametrize("query", [NESTED, ENDLESS, DEEP_GROUPS])
def test_a_bomb_ends_with_the_remark_about_time(snapshot: Snapshot, query: str) -> None:
    assert run(snapshot, query, Limits(timeout_s=0.3)).startswith('runtime error: Query timed out in "')


def test_the_innermost_statement_is_named(snapshot: Snapshot) -> None:
    query = "node(1)->.a;\nforeach.a->.b\n{\nif(1)\n{\ncomplete(1048576)\n{\nmake x;\n}\n}\n}"
    assert run(snapshot, query, Limits(timeout_s=1e-9)) == (
        'runtime error: Query timed out in "id-query" at line 1 after 0 seconds.'
    )


def test_what_loops_collect_counts_as_memory(snapshot: Snapshot) -> None:
    query = "make x;complete(1048576){(._;make x;);}"
    remark = run(snapshot, query, Limits(maxsize_bytes=200_000))
    assert remark.startswith('runtime error: Query run out of memory in "')


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("node(1);foreach->.a{node(2);}out ids;.a out ids;", [2]),
        ("node(1);foreach{node(2)->.b;}out ids;.b out ids;", [2]),
        ("node(id:1,2);for->.a(id()){node(2)->.b;}out ids;.a out ids;.b out ids;", [1, 2, 2]),
        ("node(1);if(count(nodes)){node(2);}else{node(3);}out ids;", [2]),
        ("node(1);if(count(ways)){node(2);}else{node(3);}out ids;", [3]),
        ("node(1);if(count(ways)){node(2);}out ids;", [1]),
        ("node(6);complete{way(bn);node(w);};out ids;", [1, 2, 3, 4, 6, 7, 8]),
        ("node(6);complete(1){way(bn);node(w);};out ids;", [1, 2, 3, 4, 6, 7, 8]),
        ("(node(id:1,2);-node(2););out ids;", [1]),
        ("foreach.nothing->.a{node(2);}out ids;", []),
    ],
)
def test_what_is_left(snapshot: Snapshot, query: str, found: list[int]) -> None:
    printed = run(snapshot, query)
    assert [int(line.split('"')[1]) for line in printed.splitlines()] == found


def test_a_count_inside_of_a_loop_leaves_the_set_of_its_query(snapshot: Snapshot) -> None:
    query = "node(1)->.a;foreach.a->.b{node(id:5,6)->.c;.c out count;}.c out ids;"
    assert run(snapshot, query).endswith('  <node id="5"/>\n  <node id="6"/>\n')


def test_groups_are_forgotten_when_the_set_is_written() -> None:
    outer = Scope()
    inner = Scope(outer)
    outer["a"] = ElementSet()
    outer.set_group("a", "x")
    assert inner.group("a") == "x"
    inner["a"] = ElementSet()
    assert inner.group("a") == ""
    outer["a"] = ElementSet()
    assert outer.group("a") == ""


def test_export_leaves_one_set_behind() -> None:
    outer = Scope()
    inner = Scope(outer)
    inner["a"], inner["b"] = ElementSet(), ElementSet()
    inner.export(but="a")
    assert outer.get("a") is None
    assert outer.get("b") is inner.own("b") is not None


def test_metadata_that_is_not_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    with make(tmp_path_factory.mktemp("data") / "db", level="data") as snapshot:
        message = "runtime error: Tried to use meta file but no meta files available on this instance."
        for query in ("node(6);make x v=u(version());", "node(6);convert x u=user();", "node(6)(if:uid()>1);"):
            assert run(snapshot, query) == message
        assert run(snapshot, 'node(6)(if:t["ele"]==12.5);out ids;') == '  <node id="6"/>\n'
        newer = '(newer:"2020-01-01T00:00:00Z");out count;'
        for query in ("node(6);out meta;", "node(99);out meta;", f"node(6){newer}", f"node(6)(if:0){newer}"):
            assert run(snapshot, query) == message
        assert run(snapshot, ".q out meta;") == ""
        assert run(snapshot, f"node(99){newer}") == run(snapshot, "node(99);out count;")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("make a x=id();", "id(...) must be called in a context where it can evaluate an element"),
        (
            "node(1);convert a x=pos();",
            "pos(...) must be called in a context where it can evaluate an element's member",
        ),
        ("make a x=1,x=2;", 'A key cannot be added twice to an element: "x"'),
        ("make a ::geom=1;", 'Evaluator for geometry expected, but function "eval-fixed" is an evaluator for string.'),
        ("node(1)(if:geom());", 'Evaluator for string expected, but function "eval-geometry"'),
        ("make a x=lrs_in(1);", "lrs_in(...) needs two arguments"),
        ("complete(0){node(1);}", 'Maximum loop number for complete must be an integer between "1" and "1048576".'),
    ],
)
def test_what_makes_no_sense_is_rejected(snapshot: Snapshot, query: str, message: str) -> None:
    with pytest.raises(QueryRejected) as rejected:
        run(snapshot, query)
    assert message in "\n".join(map(str, rejected.value.messages))


def test_nested_members_do_not_use_up_the_memory(snapshot: Snapshot) -> None:
    query = "way(11);convert x n=" + "per_member(" * 11 + "pos()" + ")" * 11 + ";out;"
    assert run(snapshot, query).startswith('runtime error: Query run out of memory in "convert" at line 1')


@pytest.mark.parametrize(("query", "values"), [("for.a->.a(a.val)", ["1"]), ("for.a->.a(id()+a.val)", ["6", "7"])])
def test_the_value_of_the_loop_around_is_seen(snapshot: Snapshot, query: str, values: list[str]) -> None:
    printed = run(snapshot, f"node(id:5,6);for->.a(1){{{query}{{make x v=a.val;out;}}}}")
    assert re.findall('v="([0-9]*)"', printed) == values
