"""`verify`: says whether a database is sound, and if not, what is wrong where."""

from __future__ import annotations

import sys
import time

from osm3s.cli.inspection import FAILED_STATUS, Program
from osm3s.errors import UsageError
from osm3s.paths import DatabaseDir

USAGE = "Usage: verify --db-dir=DIR [--most=N]   (--help explains)"
MOST_PROBLEMS = 100
REDRAW_S = 0.2
NAMES = ("nodes", "ways", "relations", "", "areas", "")
"""Of what is counted in the map, then of what is counted in the areas, which are ways there."""

HELP = f"""\
verify: say whether a database is sound.

  verify --db-dir=DIR              check everything; print one line for each thing that is wrong
  verify --db-dir=DIR --most=0     print all problems, not just the first {MOST_PROBLEMS}

Checked are: the checksum and the structure of every frame of every block · the block directory, the extents of all
blocks and the free space: inside the files, disjoint · the id map against the blocks, both ways · the place of every
element: key range and box of its block · coordinates and boxes of ways against the nodes · boxes and quadtiles of
relations against their members · links from members to ways and relations, both ways · the tag directory with all its
counts · users · newest timestamps · the changelog · the numbers in the settings. The areas are checked in the same way.

One version of the database is read, as by a query: updates may go on meanwhile, and no dispatcher is needed. It takes
about 20 bytes of memory per element and reads every byte once.

  --db-dir=DIR   the database directory. Default: $OVERPASS_DB_DIR
  --most=N       how many problems to print at most; 0: all

Exit status: 0 sound, 1 wrong usage, 2 broken, or there is no database.
"""


class ProgressLine:
    """One line on a terminal that is overwritten; nothing if stderr is none."""

    def __init__(self) -> None:
        self._enabled = sys.stderr.isatty()
        self._drawn = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if not self._enabled or now - self._drawn < REDRAW_S:
            return
        self._drawn = now
        part = f"{done:,} of {total:,}" if total else f"{done:,}" if done else ""
        print(f"\r\x1b[Kchecking {what} {part}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._enabled:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def verify(db_dir: str, most: int) -> bool:
    """Print what is wrong; True if nothing is. Raises Osm3sError if the check cannot be made."""
    from osm3s.storage.check_database import check_database
    from osm3s.storage.index import read_apart
    from osm3s.storage.snapshot import Snapshot

    base, progress, n = DatabaseDir(db_dir), ProgressLine(), 0
    started, n_elements = time.monotonic(), []
    for db in (base, base.areas) if base.areas.exists else (base,):
        where = "" if db is base else "areas: "
        read_apart(db)
        with Snapshot(db) as snapshot:
            try:
                for line in check_database(snapshot, db, progress):
                    n += 1
                    if n <= most or not most:
                        progress.clear()
                        print(where + line, flush=True)
            finally:
                progress.clear()
            n_elements += snapshot.settings.n_elements
    if n > most > 0:
        print(f"... and {n - most} more (--most=0 prints all)")
    if n == 0:
        seconds = time.monotonic() - started
        found = ", ".join(f"{count} {name}" for count, name in zip(n_elements, NAMES, strict=False) if name)
        print(f"sound: {found}, checked in {seconds:.1f} s")
    return n == 0


def inspect(db_dir: str, arguments: list[str]) -> int:
    most = MOST_PROBLEMS
    for argument in arguments:
        flag, _, value = argument.partition("=")
        if flag == "--most" and value.isdecimal():
            most = int(value)
        else:
            raise UsageError(f"Unknown argument: {argument}")
    return 0 if verify(db_dir, most) else FAILED_STATUS


def main(arguments: list[str] | None = None) -> int:
    return Program("verify", USAGE, HELP).run(arguments, inspect)


if __name__ == "__main__":
    sys.exit(main())
