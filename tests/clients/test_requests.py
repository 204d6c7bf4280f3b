"""The exact requests of clients that are not installed here, and what they look for in the answers."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import urllib.parse
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from .street_map import CAFES, COLUMNS, MAP_BOX, ROWS

SOUTH, WEST, NORTH, EAST = MAP_BOX
FORM = "application/x-www-form-urlencoded"


class Answer:
    """One exchange with the server."""

    def __init__(self, api: str, method: str, target: str, body: str | None = None, **headers: str) -> None:
        url = urllib.parse.urlsplit(api)
        connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=60)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, f"{url.path}/{target}", None if body is None else body.encode(), fields)
        response = connection.getresponse()
        self.status, self.reason, self.headers = response.status, response.reason, response.headers
        self.text = response.read().decode()
        connection.close()


def test_josm_downloads_an_area(api: str) -> None:
    query = f"[out:xml][timeout:90][bbox:{SOUTH},{WEST},{NORTH},{EAST}];\n(\n    nwr[highway=residential];\n);\n"
    query += "(._;>;);(._;<;);out meta;"
    answer = Answer(api, "GET", f"interpreter?data={quote_plus(query)}", User_Agent="JOSM/1.5 (19000 en)")
    assert answer.headers["Content-Type"] == "application/osm3s+xml"
    assert answer.text.count("<way ") == ROWS + COLUMNS
    assert '<node id="1" lat="47.1000000" lon="9.5000000" version="2" timestamp="2025-01-02T03:04:05Z"' in answer.text
    assert "<remark>" not in answer.text


def test_josm_without_a_query_uses_the_map_call(api: str) -> None:
    answer = Answer(api, "GET", f"map?bbox={WEST},{SOUTH},{EAST},{NORTH}")
    assert [answer.text.count(f"<{element} id=") for element in ("node", "way", "relation")] == [144, 24, 1]


def test_josm_fetches_many_objects(api: str) -> None:
    ids = ",".join(map(str, range(1, 145)))
    query = f"(\nnode(id:{ids});\nway(id:1,2,3);\nrelation(id:1);\n);\nout meta;"
    answer = Answer(api, "POST", "interpreter", query, Content_Type="application/x-www-form-urlencoded")
    assert answer.text.count(' version="2"') == 144 + 3 + 1


def test_josm_reads_the_text_of_an_error(api: str) -> None:
    answer = Answer(api, "GET", "interpreter?data=foo")
    assert (answer.status, answer.reason) == (400, "Bad Request")
    found = re.search(r"<strong style=\"color:#FF0000\">Error</strong>: (.+) </p>", answer.text)
    assert found is not None
    assert found[1] == "line 1: parse error: Unknown type &quot;foo&quot;"


def test_quickosm(api: str) -> None:
    query = (
        '[out:xml] [timeout:25];\n(\n    node["amenity"="cafe"]( %s,%s,%s,%s);\n'
        '    way["amenity"="cafe"]( %s,%s,%s,%s);\n'
        '    relation["amenity"="cafe"]( %s,%s,%s,%s);\n);\n(._;>;);\nout body;'
    ) % (MAP_BOX * 3)
    body = f"data={quote(query)}&info=QgisQuickOSMPlugin"
    answer = Answer(api, "POST", "interpreter", body, Content_Type=FORM)
    assert answer.text.count("<node ") == len(CAFES)
    assert re.search("<remark> runtime error: ", answer.text) is None


def test_quickosm_recognises_failures(api: str) -> None:
    query = f"[out:xml][maxsize:1];nwr({SOUTH},{WEST},{NORTH},{EAST});out;"
    text = Answer(api, "POST", "interpreter", f"data={quote(query)}", Content_Type=FORM).text
    kinds = r'in "\w+" at line \d+|using about \d+ MB'
    pattern = rf"<remark> runtime error: Query (ran|run) out of memory ({kinds}).* </remark>"
    assert re.search(pattern, text)
    assert text.endswith("</remark>\n\n</osm>\n")


def test_quickosm_reads_a_converted_query(api: str) -> None:
    query = '<id-query type="node" ref="1"/><print/>'
    text = Answer(api, "GET", f"convert?data={quote(query)}&target=compact").text
    assert text.partition("<pre>\n")[2].startswith("node(1);out;")


def test_overpass_turbo(api: str) -> None:
    origin = {"Origin": "https://overpass-turbo.eu", "Content_Type": f"{FORM}; charset=UTF-8"}
    box = f"{SOUTH},{WEST},{NORTH},{EAST}"
    query = f'[out:json][timeout:25];\n(\n  node["amenity"]({box});\n);\nout body;\n>;\nout skel qt;'
    answer = Answer(api, "POST", "interpreter", f"data={quote_plus(query)}", **origin)
    assert answer.headers.get_all("Access-Control-Allow-Origin") == ["*"]
    assert answer.text.startswith("{")
    assert {element["id"] for element in json.loads(answer.text)["elements"]} == set(CAFES)
    failed = Answer(api, "POST", "interpreter", f"data={quote_plus('node(1);' + chr(10) + 'way[;')}", **origin)
    assert failed.status == 400
    assert failed.headers.get_all("Access-Control-Allow-Origin") == ["*"]
    assert "Error" in failed.text
    assert re.findall(r"line (\d+):", failed.text)[0] == "2"
    stopped = Answer(api, "GET", "kill_my_queries", Origin="https://overpass-turbo.eu")
    assert stopped.headers.get_all("Access-Control-Allow-Origin") == ["*"]
    assert stopped.text == "No query running from IP 127.0.0.1\n"


@pytest.mark.parametrize("target", ["interpreter", "status", "kill_my_queries", "xapi", "map", "convert", "timestamp"])
def test_scripts_of_other_pages_may_ask(api: str, target: str) -> None:
    """What the Fetch standard demands of the answer to a preflight."""
    preflight = Answer(
        api, "OPTIONS", target, Origin="https://a.example", Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type,x-requested-with",
    )  # fmt: skip
    assert preflight.status == 200
    assert preflight.headers.get_all("Access-Control-Allow-Origin") == ["*"]
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert preflight.headers["Access-Control-Allow-Headers"] == "content-type,x-requested-with"
    assert preflight.text == ""


@pytest.mark.parametrize(
    "target",
    ["interpreter?data=out;", "interpreter?data=foo", "xapi?foo", "status", "nowhere", "convert?data=foo&target=xml"],
)
def test_answers_of_every_kind_are_open_to_scripts(api: str, target: str) -> None:
    for headers in ({}, {"Origin": "https://a.example"}):
        assert Answer(api, "GET", target, **headers).headers.get_all("Access-Control-Allow-Origin") == ["*"]


def test_status_as_clients_read_it(api: str) -> None:
    answer = Answer(api, "GET", "status")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.text.split("\n")
    assert re.fullmatch(r"Connected as: \d+", lines[0])
    assert re.fullmatch(r"Current time: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", lines[1])
    assert lines[2:4] == ["Announced endpoint: none", "Rate limit: 8"]
    assert re.fullmatch(r"[1-8] slots available now\.|Slot available after: .*, in \d+ seconds\.", lines[4])
    assert "Currently running queries (pid, space limit, time limit, start time):" in lines


def test_the_website_asks_for_features_around_a_point(api: str) -> None:
    """As the map of openstreetmap.org, once for what is near and once for what surrounds the place."""

    def elements(query: str) -> list[dict[str, Any]]:
        form = f"data={quote_plus('[timeout:10][out:json];' + query)}"
        found: list[dict[str, Any]] = json.loads(Answer(api, "POST", "interpreter", form, Content_Type=FORM).text)[
            "elements"
        ]
        return found

    near = elements("(node(around:30,47.101,9.501);way(around:30,47.101,9.501););out tags geom(47.1,9.5,47.103,9.503);")
    ways = [element for element in near if element["type"] == "way"]
    assert {way["id"] for way in ways} == {2, 102}
    assert all(way["bounds"] and None in way["geometry"] for way in ways)
    assert elements("is_in(47.101,9.501)->.a;way(pivot.a);out tags bb;relation(pivot.a);out tags bb;") == []


def test_maproulette_sends_plain_text(api: str) -> None:
    answer = Answer(api, "POST", "interpreter", "[out:json][timeout:25];node(1);out;", Content_Type="text/plain")
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--data-urlencode", "data=[out:csv(::id;false)];node(1);out;"],
        ["--data", "[out:csv(::id;false)];node(1);out;"],
        ["--data-binary", "@query"],
        ["--get", "--data-urlencode", "data=[out:csv(::id;false)];node(1);out;"],
        ["--compressed", "--http1.0", "--data", "[out:csv(::id;false)];node(1);out;"],
        ["--header", "Transfer-Encoding: chunked", "--data-binary", "@query"],
        ["--header", "Expect: 100-continue", "--data-binary", "@query"],
        ["--request", "PUT", "--upload-file", "query"],
    ],
)
def test_curl(api: str, arguments: list[str]) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    with open("query", "w") as file:
        file.write("[out:csv(::id;false)];node(1);out;")
    done = subprocess.run(["curl", "-sS", "--fail", *arguments, f"{api}/interpreter"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
