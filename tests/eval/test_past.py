"""The past: dates, retro, timeline, touched, differences between two times. The answers are those of the reference."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from small_map import answer, bring_in, elements, names, node, osm, osm_change, relation, way

ANN = 'changeset="1" uid="1" user="ann"'
BOB = 'changeset="2" uid="2" user="bob"'
START = f"""<osm version="0.6">
<node id="1" lat="50.0" lon="7.0" version="1" timestamp="2020-01-01T00:00:00Z" {ANN}/>
<node id="2" lat="50.001" lon="7.001" version="1" timestamp="2020-01-01T00:00:00Z" {ANN}/>
<node id="3" lat="50.002" lon="7.002" version="1" timestamp="2020-01-01T00:00:00Z" {ANN}><tag k="name" v="a"/></node>
<way id="1" version="1" timestamp="2020-01-02T00:00:00Z" {ANN}>
<nd ref="1"/><nd ref="2"/><tag k="highway" v="path"/></way>
<relation id="1" version="1" timestamp="2020-01-03T00:00:00Z" {ANN}>
<member type="way" ref="1" role=""/><tag k="type" v="route"/></relation>
</osm>"""
CHANGE = f"""<osmChange version="0.6"><modify>
<way id="1" version="2" timestamp="2020-02-06T00:00:00Z" {ANN}>
<nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="track"/></way>
<node id="2" lat="50.0015" lon="7.001" version="2" timestamp="2020-02-01T00:00:00Z" {BOB}/>
<node id="3" lat="50.002" lon="7.002" version="2" timestamp="2020-02-02T00:00:00Z" {BOB}><tag k="name" v="b"/></node>
<node id="3" lat="50.002" lon="7.002" version="3" timestamp="2020-02-04T00:00:00Z" {ANN}><tag k="name" v="c"/></node>
</modify>
<create><node id="4" lat="50.003" lon="7.003" version="1" timestamp="2020-02-05T00:00:00Z" {ANN}/></create>
<delete><node id="4" lat="50.003" lon="7.003" version="2" timestamp="2020-02-07T00:00:00Z" {BOB}/></delete>
</osmChange>"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("past") / "db"
    bring_in(root, START, "2020-01-10T00:00:00Z")
    bring_in(root, CHANGE, "2020-03-01T00:00:00Z")
    return root


def content(root: Path, query: str) -> str:
    """The lines between header and footer."""
    lines = [line for line in answer(root, query).splitlines() if line]
    return "\n".join(lines[4:-1])


DATES = [
    ('[date:"2020-02-03T00:00:00Z"];nwr(user_touched:"bob");out ids;', "n2 n3"),
    ('[date:"2020-02-06T12:00:00Z"];node(50.0025,7,51,8);out ids;', "n4"),
    ('[date:"2020-02-07T00:00:00Z"];node(4);out ids;', ""),
    ('[date:"2020-02-03T00:00:00Z"];node(2);(._;<;);out ids;', "n2 w1 r1"),
    ('[date:"2020-02-03T00:00:00Z"];rel(1);>;out ids;', "n1 n2 w1"),
    ('[date:"2020-02-03T00:00:00Z"];node[name=b];out ids;', "n3"),
    ("node[name=b];out ids;", ""),
    ('[date:"2020-02-03T00:00:00Z"];nwr(newer:"2020-01-02T00:00:00Z");out ids;', "n2 n3 w1 r1"),
    ('[date:"2020-02-03T00:00:00Z"];nwr(changed);out ids;', "n3 w1 r1"),
    ('[date:"2020-02-06T12:00:00Z"];nwr(changed:"2020-02-04T00:00:00Z","2020-02-06T00:00:00Z");out ids;', "n4 w1 r1"),
    ('[date:"2020-01-05T00:00:00Z"];way(around:50,50.0015,7.001);out ids;', ""),
    ('[date:"2020-02-05T00:00:00Z"];way(around:50,50.0015,7.001);out ids;', "w1"),
    ('[date:"2019-01-01T00:00:00Z"];nwr(49,6,51,8);out ids;', ""),
    ('nwr(user_touched:"bob");out ids;', "n2 n3"),
    ("nwr(uid_touched:1);out ids;", "n1 n2 n3 w1 r1"),
    ('retro("2020-02-06T12:00:00Z"){node(4);out ids;}', "n4"),
    ('way(1)->.w;retro("2020-01-05T00:00:00Z"){node(w.w)->.n;.n out ids;}.n out ids;', "n1 n2 n3"),
    ('retro("soon"){node(1);out ids;}', ""),
]


@pytest.mark.parametrize(("query", "expected"), DATES)
def test_what_was_there(root: Path, query: str, expected: str) -> None:
    assert names(root, query) == expected


OLD_VERSIONS = """  <node id="3" lat="50.0020000" lon="7.0020000" version="2" timestamp="2020-02-02T00:00:00Z"
 changeset="2" uid="2" user="bob">
    <tag k="name" v="b"/>
  </node>
  <way id="1">
    <bounds minlat="50.0000000" minlon="7.0000000" maxlat="50.0015000" maxlon="7.0010000"/>
    <nd ref="1" lat="50.0000000" lon="7.0000000"/>
    <nd ref="2" lat="50.0015000" lon="7.0010000"/>
    <tag k="highway" v="path"/>
  </way>
  <relation id="1">
    <bounds minlat="50.0000000" minlon="7.0000000" maxlat="50.0015000" maxlon="7.0010000"/>
    <member type="way" ref="1" role=""/>
    <tag k="type" v="route"/>
  </relation>"""


def test_old_versions_are_printed_as_they_were(root: Path) -> None:
    query = '[date:"2020-02-03T00:00:00Z"];node(3);out meta;way(1);out geom;rel(1);out bb;'
    assert content(root, query) == OLD_VERSIONS.replace("\n changeset", " changeset")


def timeline_of(root: Path, query: str) -> list[dict[str, str]]:
    return [{"id": str(element["id"]), **element["tags"]} for element in elements(root, query)]


def test_timeline(root: Path) -> None:
    of_node = {"reftype": "node", "ref": "4"}
    assert timeline_of(root, "timeline(node,4);out;") == [
        {"id": "1", **of_node, "refversion": "1", "created": "2020-02-05T00:00:00Z", "expired": "2020-02-07T00:00:00Z"},
        {"id": "2", **of_node, "refversion": "2", "created": "2020-02-07T00:00:00Z"},
    ]
    assert timeline_of(root, "timeline(way,1,2);out;") == [
        {"id": "1", "reftype": "way", "ref": "1", "refversion": "2", "created": "2020-02-06T00:00:00Z"}
    ]
    assert timeline_of(root, "timeline(node,99);out;") == []


def test_timeline_and_retro(root: Path) -> None:
    query = 'timeline(node,3);foreach{retro(u(t["created"])){node(3);out tags;}}'
    assert [line.split('v="')[1][0] for line in content(root, query).splitlines() if "<tag" in line] == ["a", "b", "c"]


def test_difference(root: Path) -> None:
    found = content(root, '[diff:"2020-02-01T12:00:00Z","2020-02-05T12:00:00Z"];nwr(49,6,51,8);out tags;')
    assert (
        found
        == """<action type="modify">
<old>
  <node id="3">
    <tag k="name" v="a"/>
  </node>
</old>
<new>
  <node id="3">
    <tag k="name" v="c"/>
  </node>
</new>
</action>
<action type="create">
  <node id="4"/>
</action>"""
    )


def test_nothing_changes_in_a_difference_backwards(root: Path) -> None:
    assert content(root, '[diff:"2020-02-06T00:00:00Z","2020-01-15T00:00:00Z"];nwr(changed);out ids;') == ""
    assert content(root, '[diff:"2020-01-15T00:00:00Z","2020-02-06T00:00:00Z"];nwr(changed);out ids;') != ""


def test_moved_nodes_make_a_difference_to_ways_and_relations(root: Path) -> None:
    found = content(root, '[diff:"2020-01-15T00:00:00Z","2020-02-01T00:00:00Z"];nwr(49,6,51,8);out ids;')
    one = '<action type="modify">\n<old>\n  <{0} id="{1}"/>\n</old>\n<new>\n  <{0} id="{1}"/>\n</new>\n</action>'
    assert found == "\n".join(one.format(*element) for element in (("node", 2), ("way", 1), ("relation", 1)))


GONE = """<action type="delete">
<old>
  <node id="4" lat="50.0030000" lon="7.0030000" version="1" timestamp="2020-02-05T00:00:00Z" changeset="1"
 uid="1" user="ann"/>
</old>
<new>
  <node id="4" visible="false" version="2" timestamp="2020-02-07T00:00:00Z" changeset="2" uid="2" user="bob"/>
</new>
</action>"""


def test_what_is_gone_is_told_by_adiff(root: Path) -> None:
    found = content(root, '[adiff:"2020-02-06T12:00:00Z"];nwr(50.0025,7,51,8);out meta;')
    assert found == GONE.replace("\n uid", " uid")
    found = content(root, '[adiff:"2020-02-06T12:00:00Z"];nwr(50.0025,7,51,8);out meta noids;')
    assert found == GONE.replace("\n uid", " uid").replace(' id="4"', "")
    found = content(root, '[adiff:"2020-02-01T12:00:00Z"];way[highway=path];out ids;')
    assert '<way id="1" visible="true"/>' in found and '<action type="delete">' in found


@pytest.mark.parametrize(
    ("ids", "actions"),
    [("1", "modify"), ("2", "modify"), ("3", "modify"), ("1,2", "modify modify"), ("2,3", "create create")],
)
def test_what_adiff_tells_of_elements_that_a_result_has_only_later(tmp_path: Path, ids: str, actions: str) -> None:
    """They are modified if they come in the order of ids. Node 3 is before the others in the order of places: then the
    reference does not find out that they were there before."""
    places = {1: (50.0, 7.0), 2: (50.0, 8.0), 3: (50.0, 6.9)}
    bring_in(tmp_path / "db", osm(*(node(i, place) for i, place in places.items())), "2020-01-10T00:00:00Z")
    named = [node(i, place, "2020-02-01T00:00:00Z", "name=x") for i, place in places.items()]
    bring_in(tmp_path / "db", osm_change(modify=named), "2020-02-02T00:00:00Z")
    found = content(tmp_path / "db", f'[adiff:"2020-01-15T00:00:00Z"];node(id:{ids})[name];out ids;')
    assert " ".join(re.findall('action type="(.*)"', found)) == actions
    assert found.count("<old>") == actions.count("modify")


def test_retro_prints_sets_from_outside_as_they_are_outside(root: Path) -> None:
    for query in ("wr(id:1);{}out geom;", '[date:"2020-01-15T00:00:00Z"];wr(id:1);{}out ids center;'):
        printed = content(root, query.format(""))
        for date in ("2019-01-01", "2020-01-15", "2020-02-03", "2020-03-01"):
            assert content(root, query.format(f'retro("{date}T00:00:00Z"){{') + "}") == printed


CHANGED = '<action type="modify">\n<old>\n  <{0}/>\n</old>\n<new>\n  <{0}/>\n</new>\n</action>'
MONTH = '[diff:"2020-01-15T00:00:00Z","2020-02-03T00:00:00Z"];'


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("way(1);out ids(49,6,51,8);", 'way id="1"'),
        ("way(1);out ids(51,7,52,8);", ""),
        ("rel(1);out ids(49,6,51,8);", 'relation id="1"'),
        ("rel(1);out ids(51,7,52,8);", ""),
        ("node(2);out ids(51,7,52,8);", 'node id="2"'),
        ("way(1);compare;out ids(51,7,52,8);", 'way id="1"'),
    ],
)
def test_a_box_of_out_limits_what_differs(root: Path, query: str, found: str) -> None:
    """But for nodes, and for what has been compared before."""
    assert content(root, MONTH + query) == (CHANGED.format(found) if found else "")


def test_nodes_outside_of_a_box_count_by_their_number(root: Path) -> None:
    later = '[diff:"2020-02-03T00:00:00Z","2020-02-08T00:00:00Z"];rel(1);'
    assert content(root, later + "out ids(50.0005,7.0011,50.0006,7.0012);") == CHANGED.format('relation id="1"')
    assert content(root, later + "out ids(51,7,52,8);") == ""


def test_a_set_that_one_run_never_writes_is_not_printed(root: Path) -> None:
    start = '[diff:"2020-02-04T12:00:00Z","2020-02-06T12:00:00Z"];node(4)->.n;'
    assert "<action" in content(root, start + ".n out ids;")
    assert content(root, start + "foreach.n->.m{.n->.x;}.x out ids;") == ""
    assert content(root, start + "if(n.count(nodes)){.n out ids;}") == ""
    assert "<action" in content(root, start + "foreach.n->.m{.n->.x;}(.x;);out ids;")


COMPARED = """<action type="show_initial">
  <node id="3"/>
</action>
<action type="show_final">
  <node id="3"/>
</action>
<action type="modify">
<old>
  <node id="3"/>
</old>
<new>
  <node id="3"/>
</new>
</action>"""


def test_compare(root: Path) -> None:
    query = '[diff:"2020-01-15T00:00:00Z"];nwr(49,6,51,8);compare(delta:t["name"]){out ids;};out ids;'
    assert content(root, query) == COMPARED
    assert names(root, "node(3);compare;out;") == ""


def test_what_compare_finds_can_only_be_printed(root: Path) -> None:
    compare = '[diff:"2020-01-15T00:00:00Z"];nwr(49,6,51,8);compare->.c;'
    printed = content(root, compare + ".c out ids;")
    assert printed.count("<action") == 4
    assert content(root, compare + ".c compare->.c;.c out ids;") == printed
    assert content(root, compare + ".c compare->.d;.d out ids;") == ""
    derived = content(root, MONTH + "node(2);convert x a=lat();compare->.c;.c out;")
    assert [line.split('"')[3] for line in derived.splitlines() if "<tag" in line] == ["50.0010000", "50.0015000"]
    assert content(root, MONTH + "node(2);(compare->.c;);.c out;") == ""
    for query in (
        ".c->.d;.d out ids;",
        "(.c;)->.d;.d out ids;",
        ".c>;out ids;",
        ".c convert x;out;",
        "node.c;out ids;",
    ):
        assert content(root, compare + query) == ""


def test_the_body_of_compare_prints_as_elsewhere(root: Path) -> None:
    printed = content(root, '[diff:"2020-01-15T00:00:00Z"];node(49,6,51,8);compare(){out ids 1;out count;out ids 0;};')
    assert re.findall('action type="([a-z_]+)"', printed) == [
        "show_initial",
        "show_initial",
        "show_final",
        "show_final",
    ]
    assert re.findall('node id="([0-9]+)"', printed) == ["2", "2"]
    assert re.findall('k="nodes" v="([0-9]+)"', printed) == ["2", "2"]


def test_what_complete_works_on_is_a_set_again(root: Path) -> None:
    compare = '[diff:"2020-01-15T00:00:00Z"];nwr(49,6,51,8);compare->.c;'
    assert content(root, compare + "complete.c->.d{node(1)->.e;}.c out ids;") == ""
    assert content(root, compare + "complete->.d{node(1)->.e;}.c out ids;") == content(root, compare + ".c out ids;")


@pytest.mark.parametrize("query", ["node[b];out ids qt;", "node[b];foreach{out ids;}"])
def test_in_order_of_place_what_is_there_now_comes_before_what_was(tmp_path: Path, query: str) -> None:
    root, later = tmp_path / "db", "2021-01-01T00:00:00Z"
    places = [(64.0013, -21.976), (64.0071, -21.9876), (64.0271, -21.9713), (64.0311, -21.9629)]
    bring_in(root, osm(*(node(i, place, tags="b=1") for i, place in enumerate(places, 1))), "2020-02-01T00:00:00Z")
    now = names(root, query)
    changed = [node(i, places[i - 1], later, "b=2").replace('version="1"', 'version="2"') for i in (1, 2)]
    bring_in(root, osm_change(modify=changed), later)
    former = [name for name in now.split() if name in ("n1", "n2")]
    present = [name for name in now.split() if name not in former]
    assert names(root, query) == now
    assert names(root, f'[date:"2020-06-01T00:00:00Z"];{query}') == " ".join([*present, *former]) != now


def test_a_difference_lists_derived_objects_by_place_and_tags(tmp_path: Path) -> None:
    root = tmp_path / "db"
    content_ = osm(node(1, (50.2, 7)), node(2, (50.1, 7)), way(3, [1, 2]), relation(4, [("way", 3)]))
    bring_in(root, content_, "2020-02-01T00:00:00Z")
    start = '[diff:"2019-01-01T00:00:00Z"];nwr(id:1,2,3,4);'
    by_place = content(root, start + "convert x a=id(),::geom=geom();out;")
    assert [line.split('"')[3] for line in by_place.splitlines() if "<tag" in line] == ["2", "3", "4", "1"]
    by_tags = content(root, start + "(convert x a=-id();convert y a=-id(););out;")
    assert [line.split('"')[3] for line in by_tags.splitlines() if "<tag" in line] == [
        f"-{i // 2}" for i in range(2, 10)
    ]
    assert content(root, '[diff:"2019-01-01T00:00:00Z"];make x a=1->.a;make y a=1->.b;(.b;.a;);out;') == ""


def test_a_loop_cannot_print_differences(root: Path) -> None:
    """It fails at this alone, and says so once."""
    printed = answer(root, '[diff:"2020-01-15T00:00:00Z"];nwr(49,6,51,8);foreach{out;}node(2);out ids;')
    remark = "<remark> runtime error: A print statement cannot be executed in a loop in a diff setting. </remark>"
    assert printed.count(remark) == printed.count("<remark>") == 1
    assert re.findall('action type="([a-z]+)"', printed) == ["modify"]
    assert re.findall("<(node|way|relation) ", printed) == ["node", "node"]
    assert printed.endswith("</osm>\n")


def test_a_loop_cannot_print_differences_of_the_later_time_either(root: Path) -> None:
    printed = answer(root, '[diff:"2020-01-15T00:00:00Z","2020-02-05T12:00:00Z"];node(id:3,4);foreach{out ids;}')
    assert printed.count("<remark>") == 1


@pytest.mark.parametrize("query", ['[date:"2020-02-03T00:00:00Z"];node(1);out;', "timeline(node,1);out;"])
def test_a_database_without_history_says_so(tmp_path: Path, query: str) -> None:
    bring_in(tmp_path / "db", START, "2020-01-10T00:00:00Z", "meta")
    printed = answer(tmp_path / "db", query)
    assert "Tried to use museum file but no museum files available on this instance." in printed
