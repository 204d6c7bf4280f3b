"""A headless Chromium that loads a page and gives back what has become of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--virtual-time-budget=20000",
    "--dump-dom",
)
"""The virtual time stands still while an answer is awaited, so a slow machine has as much of it as a quick one."""
ATTEMPTS = 3


def browser() -> str:
    """The program: $OSM3S_BROWSER, or one of the usual names."""
    found = os.environ.get("OSM3S_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed, and OSM3S_BROWSER names none")
    return found


def loaded(url: str, seen: str, profile: Path) -> str:
    """The document of a page, once `seen` stands in it; else as it was at the last attempt. A browser that cannot even
    load an empty page here, as in some containers, skips the test."""
    program, page = browser(), ""
    for attempt in range(ATTEMPTS):
        page = _dom(program, url, profile / f"profile-{attempt}")
        if seen in page:
            return page
    if "<html" not in _dom(program, "data:text/html,<p>here</p>", profile / "profile-empty"):
        pytest.skip(f"{program} cannot load a page on this machine")
    return page


def _dom(program: str, url: str, profile: Path) -> str:
    command = [program, *OPTIONS, f"--user-data-dir={profile}", url]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=90).stdout
    except subprocess.TimeoutExpired:
        return ""


@contextmanager
def another_origin(files: dict[str, tuple[str, bytes]]) -> Iterator[str]:
    """A server of pages that is not ours; path to content type and content. Yields its URL without slash at its end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, content = files.get(self.path, ("text/plain", b""))
            self.send_response(200 if self.path in files else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
