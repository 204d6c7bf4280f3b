"""The query editor at `/`: served, self-contained, and able to read answers."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import urllib.parse
import urllib.request
from base64 import b64encode
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path

import pytest

from osm3s.serve.editor import assets

EDITOR = Path(__file__).resolve().parent.parent.parent / "osm3s" / "serve" / "editor"
FILES = sorted(
    path.name for path in EDITOR.iterdir() if path.suffix in (".html", ".css", ".mjs") and path.name not in assets.FILES
)
FAKE_NPM = """\
#!/bin/sh
[ "$1" = pack ] && [ "$2" = leaflet@1.9.4 ] && [ "$3" = --pack-destination ] && cp {archive} "$4"
"""


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


def test_assets_are_served_if_the_build_has_them(api: str) -> None:
    for name in assets.FILES:
        url = urllib.parse.urljoin(api, f"/{name}")
        if (EDITOR / name).exists():
            assert fetch(url)[1] == (EDITOR / name).read_text("utf-8")
        else:
            with pytest.raises(urllib.error.HTTPError, match="404"):
                fetch(url)


def npm_that_has(archive: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes it the only program there is; returns where the assets go."""
    (place / "bin").mkdir()
    (place / "bin" / "npm").write_text(FAKE_NPM.format(archive=archive))
    (place / "bin" / "npm").chmod(0o755)
    (place / "bin" / "cp").symlink_to(str(shutil.which("cp")))
    monkeypatch.setenv("PATH", str(place / "bin"))
    (place / "assets").mkdir()
    return place / "assets"


def test_assets_come_out_of_the_archive_that_is_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(tmp_path / "leaflet.tgz", "w:gz") as archive:
        for name, member in assets.FILES.items():
            (tmp_path / name).write_text(f"this is {name}")
            archive.add(tmp_path / name, member)
    directory = npm_that_has(tmp_path / "leaflet.tgz", tmp_path, monkeypatch)
    with pytest.raises(assets.Unavailable, match="its checksum differs"):
        assets.fetch(directory)
    assert list(directory.iterdir()) == []
    digest = hashlib.sha512((tmp_path / "leaflet.tgz").read_bytes()).digest()
    monkeypatch.setattr(assets, "INTEGRITY", f"sha512-{b64encode(digest).decode()}")
    assets.fetch(directory)
    assert {path.name: path.read_text() for path in directory.iterdir()} == {
        name: f"this is {name}" for name in assets.FILES
    }


def test_a_build_without_npm_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    npm_that_has(tmp_path / "absent", tmp_path, monkeypatch)
    assert assets.main() == 0
    (tmp_path / "bin" / "npm").unlink()
    assert assets.main() == 0
    start = "The query editor uses its own map instead of Leaflet:"
    assert capsys.readouterr().err == f"{start} npm cannot fetch leaflet@1.9.4.\n{start} npm is not installed.\n"


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
