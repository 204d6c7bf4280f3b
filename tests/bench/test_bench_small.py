"""The benchmark's makers and its table, on the small data. Nothing here looks at a time."""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
from collections import Counter
from pathlib import Path

import osmium
import pytest

from bench.attic_table import attic_tables
from bench.data import make_data
from bench.diff import DIFFS, make_diffs, questions
from bench.http_client import HttpClient, HttpError
from bench.make_diff import NODE_CREATES, NODE_MOVES, WAY_CREATES, WAY_EDITS, write_diffs
from bench.measure import CommandFailed, cached_bytes, disk_bytes, load_single_pages, run_measured
from bench.places import PLACES
from bench.queries import QUERY_DIRECTORY, compare, read_answer, read_queries, remark_of
from bench.run import STEPS, choose
from bench.table import TARGETS, render, verdict


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data("small", tmp_path_factory.mktemp("bench"))


def element_lines(osc: str) -> Counter[tuple[str, str, str]]:
    """(block, type, version is 1) of every element of a change file."""
    found: Counter[tuple[str, str, str]] = Counter()
    block = ""
    for line in osc.splitlines():
        if match := re.match(r"  <(create|modify|delete)>", line):
            block = match[1]
        elif match := re.match(r'    <(node|way|relation) id="\d+" version="(\d+)"', line):
            found[block, match[1], "new" if match[2] == "1" else "old"] += 1
    return found


def test_town_is_sorted_and_complete(town: Path) -> None:
    order = {"n": 0, "w": 1, "r": 2}
    keys = []
    nodes, refs = set(), set()
    for element in osmium.FileProcessor(str(town)):
        keys.append((order[element.type_str()], element.id))
        if element.is_node():
            nodes.add(element.id)
        elif element.is_way():
            refs.update(ref.ref for ref in element.nodes)
    assert keys == sorted(set(keys))
    assert refs <= nodes
    assert len(nodes) > 30_000


def test_town_is_the_same_each_time(town: Path, tmp_path: Path) -> None:
    def elements(path: Path) -> list[str]:
        return [str(element) for element in osmium.FileProcessor(str(path))]

    assert elements(make_data("small", tmp_path)) == elements(town)


def test_diff_has_the_announced_changes(town: Path, tmp_path: Path) -> None:
    osc = tmp_path / "1.osc"
    write_diffs(town, [(osc, 0, 60)])
    found = element_lines(osc.read_text())
    assert found["create", "node", "new"] == NODE_CREATES
    assert found["create", "way", "new"] == WAY_CREATES
    assert found["modify", "node", "old"] == NODE_MOVES
    assert found["modify", "way", "old"] == WAY_EDITS
    assert (
        sum(found.values()) == NODE_CREATES + WAY_CREATES + NODE_MOVES + WAY_EDITS + found["modify", "relation", "old"]
    )
    assert list(osmium.FileProcessor(str(osc))), "osmium reads it"


def test_diffs_are_deterministic_and_do_not_overlap(town: Path, tmp_path: Path) -> None:
    texts = [(path / "1.osc").read_text() for path in make_diffs(town, tmp_path / "a")]
    assert len(texts) == len(DIFFS)
    _, number, places = DIFFS[1]
    write_diffs(town, [(tmp_path / "again.osc", number, places)])
    assert (tmp_path / "again.osc").read_text() == texts[1]
    created = [set(re.findall(r'<node id="(\d+)" version="1"', text)) for text in texts]
    assert all(not (a & b) for i, a in enumerate(created) for b in created[i + 1 :])


def test_diff_edits_only_what_the_data_has(town: Path, tmp_path: Path) -> None:
    osc = tmp_path / "1.osc"
    write_diffs(town, [(osc, 1, 2)])
    versions = {(e.type_str(), e.id): e.version for e in osmium.FileProcessor(str(town))}
    modified = osc.read_text().partition("<modify>")[2]
    edits = re.findall(r'<(node|way|relation) id="(\d+)" version="(\d+)"', modified)
    assert edits
    for kind, number, version in edits:
        assert versions[kind[0], int(number)] + 1 == int(version)


def test_questions_cover_every_element(town: Path, tmp_path: Path) -> None:
    osc = tmp_path / "1.osc"
    write_diffs(town, [(osc, 0, 60)])
    asked = sum(
        len(re.findall(r"\d+", text.partition("(id:")[2].partition(")")[0])) for text in questions(osc.read_text())
    )
    assert asked == sum(element_lines(osc.read_text()).values())


@pytest.mark.parametrize("size", sorted(PLACES))
def test_every_query_file_is_complete(size: str) -> None:
    queries = read_queries(PLACES[size])
    assert len(queries) == len(list(QUERY_DIRECTORY.iterdir()))
    assert {query.row for query in queries} == set(TARGETS)
    for query in queries:
        assert query.what and query.text.strip().endswith(";")
        assert "{{" not in query.text and "//" not in query.text


def test_only_chooses_steps_rows_and_queries() -> None:
    queries = read_queries(PLACES["small"])
    assert choose("", queries) == (set(STEPS), queries)
    steps, chosen = choose("import,count,city_tag", queries)
    assert steps == {"import", "queries"}
    assert {query.row for query in chosen} == {"count", "small"} and sum(q.row == "small" for q in chosen) == 1
    with pytest.raises(SystemExit):
        choose("nonsense", queries)


XML = b'<?xml version="1.0"?>\n<osm version="0.6" generator="%s">\n<note>n</note>\n\n%s\n</osm>\n'
NODES = b'  <node id="1" lat="1" lon="2"/>\n  <node id="2" lat="1" lon="2">\n    <tag k="a" v="b"/>\n  </node>'


def test_answers_are_compared_from_the_first_element_on() -> None:
    ours, theirs = read_answer(XML % (b"one", NODES)), read_answer(XML % (b"another", NODES))
    assert ours.elements == 2
    assert compare(ours, theirs) == "same"
    swapped = b"\n".join([NODES[NODES.index(b'  <node id="2"') :], NODES[: NODES.index(b"\n")]])
    assert compare(ours, read_answer(XML % (b"one", swapped))) == "other order"
    assert compare(ours, read_answer(XML % (b"one", NODES.replace(b'"b"', b'"c"')))) == "other content"
    assert compare(read_answer(XML % (b"one", b"")), theirs) == "0 elements instead of 2"


def test_json_answers_and_counts() -> None:
    def answer(elements: str) -> bytes:
        return ('{\n  "version": 0.6,\n  "elements": [\n\n' + elements + "\n\n  ]\n}\n").encode()

    node = '{{\n  "type": "node",\n  "id": {0},\n  "tags": {{\n    "type": "x"\n  }}\n}}'
    assert read_answer(answer(node.format(1) + ",\n" + node.format(2))).elements == 2
    count = '{{\n  "type": "count",\n  "id": 0,\n  "tags": {{\n    "total": "{0}"\n  }}\n}}'
    outcome = compare(read_answer(answer(count.format(3))), read_answer(answer(count.format(4))))
    assert outcome == "other counts"
    assert (
        remark_of(answer("").replace(b"\n}\n", b',\n"remark": "runtime error: late"\n\n}\n')) == "runtime error: late"
    )
    assert remark_of(answer("")) is None


def serve_once(answers: list[bytes]) -> int:
    """A server on a free port that gives one connection these answers; returns the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def work() -> None:
        with listener, listener.accept()[0] as connection:
            for answer in answers:
                connection.recv(65536)
                connection.sendall(answer)

    threading.Thread(target=work, daemon=True).start()
    return int(listener.getsockname()[1])


def test_http_client_reads_lengths_and_chunks_on_one_connection() -> None:
    plain = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
    with HttpClient(serve_once([plain, chunked, plain]), timeout_s=10) as client:
        bodies = []
        for _ in range(3):
            body = bytearray()
            length = client.query("out;", body.extend)
            assert length == len(body)
            bodies.append(bytes(body))
    assert bodies == [b"hello", b"abcdefg", b"hello"]


def test_http_client_raises_on_a_refusal() -> None:
    refusal = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\nno"
    with HttpClient(serve_once([refusal]), timeout_s=10) as client, pytest.raises(HttpError, match="429"):
        client.query("out;")


def test_child_figures_count_memory_and_failures(tmp_path: Path) -> None:
    program = "block = bytearray(80_000_000); block[::4096] = b'x' * len(block[::4096])"
    figures = run_measured([sys.executable, "-c", program], log=tmp_path / "log")
    assert figures.peak_memory_bytes > 80_000_000 and figures.exit_code == 0
    with pytest.raises(CommandFailed, match="last words"):
        run_measured([sys.executable, "-c", "raise SystemExit('last words')"], log=tmp_path / "log")


def test_child_is_fed_from_another_command(tmp_path: Path) -> None:
    echo = [sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.read().upper())"]
    run_measured(echo, log=tmp_path / "log", stdin_command=[sys.executable, "-c", "print('fed')"])
    assert (tmp_path / "log").read_text().strip() == "FED"


def test_sizes_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "full").write_bytes(os.urandom(100_000))
    with open(tmp_path / "hole", "wb") as file:
        file.truncate(50_000_000)
    os.sync()
    assert 100_000 <= disk_bytes(tmp_path) < 1_000_000
    assert 0 <= cached_bytes(tmp_path) <= 60_000_000
    load_single_pages(tmp_path)
    assert (tmp_path / "a" / "full").stat().st_size == 100_000


def test_table_states_targets_and_verdicts() -> None:
    figures = {"wall_s": 6.0, "user_s": 9.0, "system_s": 1.0, "peak_memory_bytes": 1_000_000_000, "written_bytes": 1}
    facts = dict.fromkeys(("processor", "memory", "kernel", "disk", "python", "load", "date"), "?")
    query = {"name": "city_tag", "row": "small", "what": "", "elements": 3, "size_bytes": 10, "answers": "same"}
    text = render(
        {
            "size": "small",
            "commit": "abc",
            "machine": facts,
            "data": "town",
            "import": {"osm3s": figures, "reference": {**figures, "wall_s": 120.0}},
            "queries": [
                {**query, "ours": {"warm_s": [0.001]}, "reference": {"warm_s": [0.005, 0.004], "cgi_s": [0.03]}},
                {**query, "row": "large", "ours": {"warm_s": [0.001]}, "reference": {"warm_s": [0.005]}},
                {**query, "row": "count", "ours": {"failed": "failed: refused"}, "reference": {"warm_s": [0.005]}},
            ],
            "diffs": [
                {
                    "name": "scattered 1",
                    "elements": 6020,
                    "osm3s": {"total_s": 0.1, "written_bytes": 5_000_000},
                    "reference": {"total_s": 1.4, "written_bytes": 100_000_000},
                }
            ],
            "disk": {"osm3s": 900, "reference": 1000},
            "areas": {
                "osm3s": {**figures, "wall_s": 0.5},
                "osm3s, by rules": {"failed": "failed: out of memory"},
                "reference, by rules": {**figures, "wall_s": 12.0},
            },
        }
    )
    assert "20 x as fast (target 10 x, at most 1.5 GB) pass" in text
    assert "| 4 x | 30 x | 3 x, 15 x | pass | same |" in text
    assert "| 5 x |  | 15 x | miss |" in text
    assert "failed: refused" in text
    assert "| 14 x | 0.050 | pass |" in text
    assert "24 x as fast (target 20 x) pass" in text and "failed: out of memory" in text
    assert "0.90 of the reference's (target at most 0.8): miss" in text


def test_tables_with_history() -> None:
    figures = {"wall_s": 6.0, "user_s": 9.0, "system_s": 1.0, "peak_memory_bytes": 1, "written_bytes": 1}
    ours, theirs = {"total_s": 0.1, "written_bytes": 4_000_000}, {"total_s": 1.4, "written_bytes": 100_000_000}
    history = {
        "import": {"osm3s": figures},
        "diffs": [{"name": "scattered 1", "elements": 6020, "osm3s": ours, "reference": theirs}],
        "diff_answers": "same",
        "followed": {"total_s": 0.07, "written_bytes": 6_000_000, "diffs": 1},
        "catch_up": {"osm3s": {**ours, "total_s": 1.0}, "reference": theirs},
        "disk": {"osm3s": 500, "reference": 1000},
        "real": {"diffs": 9, "disk": {"osm3s": 700}, "update": {"osm3s": {"failed": "failed: no disk"}}},
        "queries": [
            {"name": "one", "with": [0.2, 0.3], "without": [0.1]},
            {"name": "two", "with": [0.1], "without": [0.2]},
        ],
    }
    text = attic_tables({"attic": history, "meta_import": {"osm3s": {"wall_s": 4.0}}})
    assert "| 1.5 x |" in text
    assert "| 14 x | 0.040 | pass |" in text and "20 x as fast" in text and "0.060 of their bytes: miss" in text
    assert "| 1.4 x | 0.040 | miss |" in text and "failed: no disk" in text
    assert "| 0.50 | pass |" in text
    assert "mean of the ratios 1.00, largest 2.00" in text


def test_verdict_needs_both_sides() -> None:
    assert verdict((None, 3.0)) == ""
    assert verdict((2.0, 3.0), (None, 15.0)) == "miss"
    assert verdict((4.0, 3.0), (15.0, 15.0)) == "pass"
