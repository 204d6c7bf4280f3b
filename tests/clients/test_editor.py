"""The query editor at `/`: served, self-contained, and able to read answers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path

import pytest

EDITOR = Path(__file__).resolve().parent.parent.parent / "osm3s" / "serve" / "editor"
FILES = sorted(path.name for path in EDITOR.iterdir() if path.suffix in (".html", ".css", ".mjs"))


def fetch(url: str) -> tuple[Message, str]:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.headers, answer.read().decode()


class Links(HTMLParser):
    """The places that a page names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value for name, value in attrs if name in ("href", "src") and value}


def test_the_page_is_served_and_its_links_work(api: str) -> None:
    home = urllib.parse.urljoin(api, "/")
    headers, page = fetch(home)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';")
    assert "unsafe" not in policy
    links = Links(page).found - {"data:,", "/api/interpreter"}
    assert {"editor.css", "editor.mjs", "/api/status"} <= links
    for link in links:
        fetch(urllib.parse.urljoin(home, link))


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_as_what_it_is_and_needs_no_other_server(api: str, name: str) -> None:
    headers, text = fetch(urllib.parse.urljoin(api, f"/{name}"))
    assert text == (EDITOR / name).read_text()
    kind = {".html": "text/html", ".css": "text/css", ".mjs": "text/javascript"}[Path(name).suffix]
    assert headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert re.findall(r"https?://|//[a-z]+\.|@import|url\(|innerHTML|eval\(", text) == []
    assert all(f"/{module}" == f"/{Path(module).name}" for module in re.findall(r"from '\./(.*?)'", text))
    assert all((EDITOR / module).exists() for module in re.findall(r"from '\./(.*?)'", text))


def test_other_files_are_not_served(api: str) -> None:
    for path in ("/__init__.py", "/editor/editor.html", "/../editor.html", "/%2e%2e/__init__.py", "/editor.html/x"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            fetch(urllib.parse.urljoin(api, "/").removesuffix("/") + path)
        assert refused.value.code == 404


def test_shapes_and_errors_of_answers() -> None:
    """The module that reads answers, without the page."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    answer = {
        "elements": [
            {"type": "node", "id": 1, "lat": 1, "lon": 2, "tags": {"a": "b"}},
            {"type": "node", "id": 2, "lat": 3, "lon": 4},
            {"type": "way", "id": 3, "nodes": [1, 2, 9]},
            {"type": "way", "id": 4, "geometry": [{"lat": 5, "lon": 6}, None, {"lat": 7, "lon": 8}]},
            {"type": "relation", "id": 5, "members": [{"lat": 9, "lon": 9}, {"geometry": [{"lat": 1, "lon": 1}]}, {}]},
            {"type": "way", "id": 6, "center": {"lat": 1, "lon": 1}},
            {"type": "way", "id": 7, "bounds": {"minlat": 0, "minlon": 0, "maxlat": 1, "maxlon": 1}},
            {"type": "count", "id": 0, "tags": {"total": "7"}},
        ]
    }
    paragraphs = ["The data included", "Error: line 12: parse error: x ", "Error: encoding error: y "]
    program = f"""
        import('{(EDITOR / "answer.mjs").as_uri()}').then(({{ shapesOfJson, errorsOf }}) => console.log(JSON.stringify(
          [shapesOfJson({json.dumps(answer)}), errorsOf({json.dumps(paragraphs)})])))
    """
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    shapes, errors = json.loads(done.stdout)
    assert [(shape["name"], shape["points"], shape["closed"]) for shape in shapes] == [
        ("node 1", [[1, 2]], False),
        ("node 2", [[3, 4]], False),
        ("way 3", [[1, 2], [3, 4]], False),
        ("way 4", [[5, 6], [7, 8]], False),
        ("relation 5", [[9, 9]], False),
        ("relation 5", [[1, 1]], False),
        ("way 6", [[1, 1]], False),
        ("way 7", [[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]], True),
    ]
    assert shapes[0]["tags"] == {"a": "b"}
    assert errors == [
        {"text": "line 12: parse error: x", "line": 12},
        {"text": "encoding error: y", "line": 0},
    ]
