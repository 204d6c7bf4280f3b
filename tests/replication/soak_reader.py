"""A reader in a process of its own, until a file appears: reads whole databases and proves that each is one version.

A "short" one reads as fast as it can. A "long" one keeps each version open until at least ten more have been committed.
Prints a line when it has seen the first, and then how many snapshots, and how many different versions it has seen.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from database import Database
from reading_process import version_of

from osm3s.paths import DatabaseDir


def main(root: str, stop: str, kind: str) -> None:
    mirror = Path(DatabaseDir(root).replicate_id)
    seen: list[int] = []

    def wait() -> None:
        begin = number(mirror)
        while kind == "long" and number(mirror) < begin + 10 and not Path(stop).exists():
            time.sleep(0.01)

    while not Path(stop).exists():
        if not seen:
            seen.append(version_of(Database(root)))
            print("reading", flush=True)
        seen.append(version_of(Database(root, wait)))
        assert seen[-1] >= seen[max(0, len(seen) - 2)], "time has gone backwards"
    seen.append(version_of(Database(root)))
    print(len(seen), len(set(seen)))


def number(mirror: Path) -> int:
    text = mirror.read_text().strip() if mirror.exists() else ""
    return int(text) if text.isdecimal() else 0


if __name__ == "__main__":
    main(*sys.argv[1:])
