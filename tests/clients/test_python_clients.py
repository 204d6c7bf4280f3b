"""Clients from PyPI, unchanged, against a running server; each is skipped where it is not installed."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
import urllib.request
from types import ModuleType
from typing import Any

import pytest

from .street_map import CAFES, COLUMNS, MAP_BOX, ROWS

CROSSINGS = ROWS * COLUMNS
STREETS = ROWS + COLUMNS
BOX = ",".join(map(str, MAP_BOX))
STREETS_WITH_NODES = f"way[highway]({BOX});(._;>;);out body;"


def installed(name: str) -> ModuleType:
    """The module of a client."""
    module: ModuleType = pytest.importorskip(name, reason=f"{name} is not installed: run make clients")
    return module


@pytest.mark.parametrize("settings", ["[out:json];", "[out:xml];", ""])
def test_overpy(api: str, settings: str) -> None:
    overpy = installed("overpy")
    result = overpy.Overpass(url=f"{api}/interpreter").query(settings + STREETS_WITH_NODES)
    assert (len(result.nodes), len(result.ways)) == (CROSSINGS, STREETS)
    assert [node.id for node in result.get_way(1).nodes] == list(range(1, COLUMNS + 1))


def test_overpy_errors(api: str) -> None:
    overpy = installed("overpy")
    server = overpy.Overpass(url=f"{api}/interpreter")
    with pytest.raises(overpy.exception.OverpassBadRequest) as rejected:
        server.query("node(1);\nfoo;")
    assert rejected.value.msgs[0].strip() == "Error: line 2: parse error: Unknown type &quot;foo&quot;"
    for settings in ("[out:json]", "[out:xml]"):
        with pytest.raises(overpy.exception.OverpassRuntimeError, match="out of memory"):
            server.query(f"{settings}[maxsize:1];nwr({BOX});out;")


def test_overpass(api: str) -> None:
    overpass = installed("overpass")
    server = overpass.API(endpoint=f"{api}/interpreter", timeout=60)
    cafes = server.get(f'node["amenity"="cafe"]({BOX})')
    assert len(cafes["features"]) == len(CAFES)
    rows = server.get(f'node["amenity"="cafe"]({BOX})', responseformat="csv(::id,name)")
    assert rows[0] == ["@id", "name"]
    assert sorted(rows[1:]) == sorted([str(number), f"Café {number}"] for number in CAFES)
    assert server.get(overpass.MapQuery(*MAP_BOX), responseformat="xml").startswith('<?xml version="1.0"')
    with pytest.raises(overpass.errors.OverpassSyntaxError):
        server.get("foo")


def test_aio_overpass(api: str) -> None:
    aio_overpass = installed("aio_overpass")

    async def ask() -> None:
        client = aio_overpass.Client(url=f"{api}/interpreter")
        try:
            query = aio_overpass.Query(STREETS_WITH_NODES)
            await client.run_query(query)
            assert len(query.result_set) == CROSSINGS + STREETS
            status = await client.status()
            assert status.slots == 8
            assert await client.cancel_queries() == 0
            bad = aio_overpass.Query("foo;")
            with pytest.raises(aio_overpass.error.QueryLanguageError, match="Unknown type"):
                await client.run_query(bad, raise_on_failure=True)
        finally:
            await client.close()

    asyncio.run(ask())


def test_osm_python_tools(api: str) -> None:
    overpass = installed("OSMPythonTools.overpass")
    south, west, north, east = MAP_BOX
    query = overpass.overpassQueryBuilder(
        bbox=[south, west, north, east], elementType="node", selector='"amenity"="cafe"', out="body"
    )
    result = overpass.Overpass(endpoint=f"{api}/", waitBetweenQueries=0).query(query)
    assert sorted(node.id() for node in result.nodes()) == sorted(CAFES)
    assert f"{result.timestamp_osm_base():%Y-%m-%d}" == "2026-11-21"


def test_osm2geojson(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    osm2geojson = installed("osm2geojson")
    monkeypatch.setattr("osm2geojson.helpers.OVERPASS", f"{api}/interpreter/")  # as there: with a slash at the end
    answer = osm2geojson.overpass_call(f"[out:json];nwr({BOX})[~'.'~'.'];out geom;")
    features = osm2geojson.json2geojson(answer)["features"]
    assert len(features) == len(CAFES) + STREETS + 1
    xml = osm2geojson.overpass_call(f"nwr({BOX})[~'.'~'.'];out geom;")
    assert len(osm2geojson.xml2geojson(xml)["features"]) == len(features)


@pytest.fixture
def osmnx(api: str) -> Any:
    """The module, set to ask our server, including the question for a free slot before each query."""
    module = installed("osmnx")
    module.settings.overpass_url = api
    module.settings.use_cache = False
    assert module.settings.overpass_rate_limit
    return module


def test_osmnx(osmnx: Any) -> None:
    south, west, north, east = MAP_BOX
    box = (west, south, east, north)
    graph = osmnx.graph_from_bbox(box, network_type="all")  # in which the corners are no nodes
    assert (len(graph), graph.number_of_edges()) == (
        CROSSINGS - 4,
        4 * ROWS * (COLUMNS - 1) - 8,
    )
    drive = osmnx.graph_from_point(((south + north) / 2, (west + east) / 2), dist=300, network_type="drive")
    assert 0 < len(drive) < len(graph)
    cafes = osmnx.features_from_bbox(box, {"amenity": "cafe"})
    assert sorted(cafes["name"]) == sorted(f"Café {number}" for number in CAFES)


def test_overpassforge(api: str) -> None:
    """It only makes queries."""
    overpassforge = installed("overpassforge")
    cafes = overpassforge.Nodes(amenity="cafe")
    streets = overpassforge.Ways(around=(cafes, 10.0)).where(highway="residential")
    both = streets + cafes
    both.out("ids")
    query = overpassforge.build(both, settings=overpassforge.Settings(out="json"))
    with urllib.request.urlopen(f"{api}/interpreter", query.encode(), timeout=60) as answer:
        elements = json.load(answer)["elements"]
    assert {element["id"] for element in elements if element["type"] == "node"} == set(CAFES)
    rows = {(number - 1) // COLUMNS + 1 for number in CAFES}
    columns = {101 + (number - 1) % COLUMNS for number in CAFES}
    assert {element["id"] for element in elements if element["type"] == "way"} == rows | columns


def test_the_request_of_the_standard_library(api: str) -> None:
    """As overpy and many scripts send it, with the name of the library as User-Agent."""
    form = urllib.parse.urlencode({"data": "[out:json];node(1);out;"}).encode()
    with urllib.request.urlopen(f"{api}/interpreter", form, timeout=60) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json"
