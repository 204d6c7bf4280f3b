"""The places of the web interface: each is a path below /api and the name of a program in cgi-bin."""

from __future__ import annotations

QUERY_DOORS = ("interpreter", "map", "xapi", "xapi_meta", "augmented_diff")
"""Where a request becomes a query; what answers it is serve/queries.py."""

PAGE_DOORS = (
    "status",
    "timestamp",
    "kill_my_queries",
    "convert",
    "convert_xapi",
    "augmented_diff_status",
    "augmented_state_by_date",
    "trigger_clone",
    "template",
    "healthz",
    "metrics",
)
"""Where a request is answered with a small page; what makes it is serve/pages.py."""

ROOT_DOORS = ("healthz", "metrics")
"""These are found at the top as well, where those who watch servers look for them."""

DOORS = frozenset(QUERY_DOORS + PAGE_DOORS)

EDITOR_DOORS = (
    "editor.html",
    "editor.css",
    "editor.mjs",
    "answer.mjs",
    "map.mjs",
    "leaflet_map.mjs",
    "leaflet.js",
    "leaflet.css",
)
"""The query editor, which only the built-in web server has: these files, the first one also as `/`."""


def door_at(path: str) -> str | None:
    """The door at a path of the web server. Some clients double a slash, or put one at the end."""
    if path == "/":
        return EDITOR_DOORS[0]
    parts = [part for part in path.split("/") if part]
    if len(parts) == 1 and parts[0] in ROOT_DOORS + EDITOR_DOORS:
        return parts[0]
    return parts[1] if len(parts) == 2 and parts[0] in ("api", "cgi-bin") and parts[1] in DOORS else None
