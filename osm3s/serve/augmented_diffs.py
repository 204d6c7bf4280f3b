"""Augmented diffs: what has changed within a minute, with old and new state. Minutes are numbered from a fixed one on.

Files that hold diffs already made are looked for where the reference's scripts put them: in a directory
`osm3s_augmented_diffs_cache` among the temporary files (one diff for each number), and in /var/www/augmented_diffs
(a state file for each number, in directories of a thousand).
"""

from __future__ import annotations

import os
import time
from calendar import timegm
from pathlib import Path

from osm3s.ql.request import form_fields
from osm3s.serve.page import Page
from osm3s.serve.request import Database, Request
from osm3s.serve.status import data_timestamp

FIRST_MINUTE_S = 1347432900
"""Epoch at which the diff 0 begins."""
MINUTE_S = 60
CACHE_NAME = "osm3s_augmented_diffs_cache"
STATES_DIR = "/var/www/augmented_diffs"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
LAST_NUMBER = 10**8
MOST_DIGITS = 9
DIFF_TYPE = "application/osm3s+xml"


def query(request: Request) -> bytes | Page:
    """The query for the diff `id` of the request, or the diff itself if it has been made and no `bbox` cuts it out."""
    fields = form_fields(request.form)
    number = fields.get(b"id", b"0").decode("latin-1")
    if not (number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS) or int(number) > LAST_NUMBER:
        return Page("The parameter id must be the number of a minute.\n", status=400)
    bbox = fields.get(b"bbox", b"")
    bbox = b"" if bbox.startswith(b"-180") else bbox
    made = None if bbox else _made_diff(int(number))
    if made is not None:
        return Page(made, DIFF_TYPE)
    start_s = FIRST_MINUTE_S + int(number) * MINUTE_S
    times = ",".join(f'"{time.strftime(TIME_FORMAT, time.gmtime(start_s + s))}"' for s in (0, MINUTE_S))
    box = "(bbox)" if bbox else ""
    parts = "".join(f"{element_type}{box}(changed:{times});" for element_type in ("node", "way", "rel"))
    form = f"data=[adiff:{times}];({parts});out meta geom;".encode() + (b"&bbox=" + bbox if bbox else b"")
    return Page(form.decode("latin-1") + "\n") if fields.get(b"debug") else form


def newest_number(request: Request, database: Database) -> Page:
    """The number of the newest diff; an empty page if it is not known."""
    path = _cache_file("newest")
    if path is not None:
        return Page(path.read_text("latin-1"))
    try:
        time_s = timegm(time.strptime(data_timestamp(database), TIME_FORMAT))
    except ValueError:
        return Page("")
    return Page(f"{(time_s - FIRST_MINUTE_S) // MINUTE_S - 1}\n")


def state_by_date(request: Request, database: Database) -> Page:
    """The number of the last state before the time `osm_base`; 0 if there is none."""
    wanted = form_fields(request.form).get(b"osm_base", b"").decode("latin-1")
    states = Path(os.environ.get("OVERPASS_AUGMENTED_DIFFS_DIR") or STATES_DIR)
    try:
        lower, upper = 0, int((states / "state.txt").read_text("latin-1"))
    except (OSError, ValueError):
        return Page("0\n")
    while lower + 1 < upper:
        middle = (lower + upper) // 2
        reached = _state_time(states, middle)
        if reached and reached < wanted:
            lower = middle
        else:
            upper = middle
    return Page(f"{lower}\n")


def _state_time(states: Path, number: int) -> str:
    """The time of one state, "" if there is none."""
    thousands, last = divmod(number, 1000)
    millions, middle = divmod(thousands, 1000)
    path = states / f"{millions:03}" / f"{middle:03}" / f"{last:03}.state.txt"
    try:
        return path.read_text("latin-1").partition("\n")[0].removeprefix("osm_base=")
    except OSError:
        return ""


def _made_diff(number: int) -> str | None:
    import gzip  # here, because it maps libraries that every process of a query would inherit

    path = _cache_file(f"{number}.osc.gz")
    if path is None:
        return None
    try:
        return gzip.decompress(path.read_bytes()).decode("utf-8", "surrogateescape")
    except (OSError, EOFError):
        return None


def _cache_file(name: str) -> Path | None:
    """A readable file of the cache. Anybody may make a directory among the temporary files, so one that somebody
    else has made, or may write into, is not believed."""
    import tempfile  # like gzip above

    directory = Path(tempfile.gettempdir(), CACHE_NAME)
    try:
        status = directory.lstat()
    except OSError:
        return None
    trusted = status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022
    path = directory / name
    return path if trusted and path.is_file() and os.access(path, os.R_OK) else None
