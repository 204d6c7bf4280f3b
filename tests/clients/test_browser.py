"""What runs in a browser: the query editor, scripts of pages from elsewhere, overpass-layer."""

from __future__ import annotations

import html
import json
import os
import re
import urllib.parse
from pathlib import Path

import pytest

from .browser import another_origin, browser, loaded
from .street_map import CAFES, COLUMNS, ROWS

pytestmark = pytest.mark.timeout(600)
NODE = Path(__file__).resolve().parent / "node"
EDITOR = NODE.parent.parent.parent / "osm3s" / "serve" / "editor"

FETCHES = """\
<!doctype html><pre id="seen"></pre><script>
const endpoint = %s
const ask = async (data, headers) => {
  const answer = await fetch(endpoint, { method: 'POST', body: new URLSearchParams({ data }), headers })
  return [answer.status, answer.headers.get('Content-Type'), (await answer.text()).includes('Café')]
}
(async () => {
  const seen = [await ask('[out:json];node[amenity=cafe];out;'), await ask('node[amenity=cafe];out;', { 'X-Own': 'a' }),
    await ask('foo;')]
  document.getElementById('seen').textContent = 'seen ' + JSON.stringify(seen)
})()
</script>
"""
LAYER = """\
<!doctype html><link rel="stylesheet" href="/leaflet.css"><div id="map" style="width: 600px; height: 600px"></div>
<pre id="seen"></pre><script src="/leaflet.js"></script><script src="/overpass-layer.js"></script><script>
const map = L.map('map', { zoomAnimation: false, fadeAnimation: false }).setView([47.1055, 9.5055], 15)
const layer = new OverpassLayer({
  overpassFrontend: new OverpassFrontend(%s),
  query: 'node[amenity=cafe]',
  minZoom: 10,
  feature: { title: '{{ tags.name }}' }
})
const found = []
layer.on('add', object => {
  found.push(object.id)
  document.getElementById('seen').textContent = `${found.length} found ` + JSON.stringify(found.sort())
})
layer.addTo(map)
</script>
"""


def text_of(page: str) -> str:
    match = re.search(r'<pre id="seen">(.*?)</pre>', page, re.DOTALL)
    return html.unescape(match[1]) if match else f"no answer in {page!r}"


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("[out:json];way(47,9,48,10);out geom;", f"{ROWS + COLUMNS} shapes; "),
        ("way(47,9,48,10);out geom;", f"{ROWS + COLUMNS} shapes; "),
        ("node(1);\nway[;", '<span>1</span><span class="fault">2</span>'),
        ("[maxsize:1];nwr(47,9,48,10);out;", "<li>runtime error: Query r"),
    ],
)
def test_the_editor(api: str, query: str, seen: str, tmp_path: Path) -> None:
    url = urllib.parse.urljoin(api, f"/?data={urllib.parse.quote(query)}")
    assert seen in loaded(url, seen, tmp_path)


def test_the_map_is_leaflets_if_the_build_has_it(api: str, tmp_path: Path) -> None:
    query = "[out:json];way(47,9,48,10);out geom;"
    page = loaded(urllib.parse.urljoin(api, f"/?data={urllib.parse.quote(query)}"), " shapes; ", tmp_path)
    kind = "leaflet-container" if (EDITOR / "leaflet.js").exists() else '<canvas id="map"'
    assert kind in page and page.count('id="map"') == 1


def test_fetch_from_another_origin(api: str, tmp_path: Path) -> None:
    """A form, a request that needs a preflight, and an error, all of them readable for the script."""
    page = FETCHES % json.dumps(f"{api}/interpreter")
    with another_origin({"/": ("text/html; charset=utf-8", page.encode())}) as origin:
        seen = text_of(loaded(origin, "seen [", tmp_path))
    assert json.loads(seen.removeprefix("seen ")) == [
        [200, "application/json", True],
        [200, "application/osm3s+xml", True],
        [400, "text/html; charset=utf-8", False],
    ]


def test_overpass_layer(api: str, tmp_path: Path) -> None:
    browser()
    modules = Path(os.environ.get("OSM3S_NODE_CLIENTS", NODE)) / "node_modules"
    if not (modules / "overpass-layer").is_dir() or not (modules / "leaflet").is_dir():
        pytest.skip("overpass-layer is not installed: run make clients")
    files = {
        "/": ("text/html; charset=utf-8", (LAYER % json.dumps(f"{api}/interpreter")).encode()),
        "/leaflet.js": ("text/javascript", (modules / "leaflet/dist/leaflet.js").read_bytes()),
        "/leaflet.css": ("text/css", (modules / "leaflet/dist/leaflet.css").read_bytes()),
        "/overpass-layer.js": ("text/javascript", (modules / "overpass-layer/dist/overpass-layer.js").read_bytes()),
    }
    with another_origin(files) as origin:
        seen = text_of(loaded(origin, f"{len(CAFES)} found", tmp_path))
    assert json.loads(seen.partition("found ")[2]) == sorted(f"n{number}" for number in CAFES)
