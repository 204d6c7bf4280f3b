"""`clone.sh` and `osm3s_query --clone`: consistent copies of a database, also of one that is being served and updated.

Departures from the reference: a clone holds the areas and the data timestamp, too; a directory that holds a database is
not overwritten.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time

from osm3s.cli.run_update import run
from osm3s.errors import StorageError

USAGE = """\
Usage: clone.sh base_url

Makes a clone of the running database in /var/www/clone/YYYY-MM-DD, and writes its address, base_url/YYYY-MM-DD, into
/var/www/clone/latest_dir, where the CGI program trigger_clone reads it. Clones from before yesterday are removed.
$OVERPASS_CLONE_DIR, if set, is used instead of /var/www/clone."""

CLONE_TIMEOUT_S = 86_400
CLONE_MAXSIZE_BYTES = 1 << 30
QUERY_TEXT = "-- clone database --"
CLONES_DIR = "/var/www/clone"
LATEST_FILE = "latest_dir"
DAY_S = 86_400


def clone_database(db_dir: str, into: str) -> None:
    """Copy the database in `db_dir`, or with "" that of the running dispatcher.

    Raises UsageError, StorageError, DispatcherError, ContextError (a dispatcher manages `db_dir`).
    """
    from osm3s.serve.admission import admitted, direct
    from osm3s.serve.request import Database
    from osm3s.storage.clone import clone

    database = direct(Database(db_dir)) if db_dir else Database("")
    with admitted(database, CLONE_TIMEOUT_S, CLONE_MAXSIZE_BYTES, QUERY_TEXT, "") as permission:
        permission.wait()
        clone(permission.root, into, permission.opened)


def publish_clone(base_url: str, clones_dir: str, now_s: float) -> None:
    """Make the clone of the day. Raises StorageError, DispatcherError."""
    today, yesterday = _day(now_s), _day(now_s - DAY_S)
    latest = os.path.join(clones_dir, LATEST_FILE)
    try:
        os.makedirs(clones_dir, exist_ok=True)
        kept = os.path.basename(_first_line(latest))
        for name in sorted(os.listdir(clones_dir)):
            if re.fullmatch(r"\d{4}-\d\d-\d\d", name, re.ASCII):
                path = os.path.join(clones_dir, name)
                old = name < yesterday and name != kept
                print(f"{'drop' if old else 'keep'} {path}")
                if old:
                    shutil.rmtree(path)
        new = os.path.join(clones_dir, today)
        shutil.rmtree(new + ".part", ignore_errors=True)
        clone_database("", new + ".part")
        shutil.rmtree(new, ignore_errors=True)  # of an earlier run: not before there is another
        os.rename(new + ".part", new)
        with open(latest + ".part", "w", encoding="utf-8") as file:
            file.write(f"{base_url.rstrip('/')}/{today}\n")
        os.rename(latest + ".part", latest)
    except OSError as error:
        raise StorageError(f"{error.filename or clones_dir}: {error.strerror}") from None


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(seconds))


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().strip()
    except FileNotFoundError:
        return ""


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments:
        print(USAGE)
        return 0
    clones_dir = os.environ.get("OVERPASS_CLONE_DIR") or CLONES_DIR
    return run("clone.sh", USAGE.splitlines()[0], lambda: publish_clone(arguments[0], clones_dir, time.time()))


if __name__ == "__main__":
    sys.exit(main())
