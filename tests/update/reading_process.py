"""A reader in a process of its own: until a file appears, reads whole databases and proves that each is one version.

The planted invariant: node 1, way 1 and relation 1 carry the same number, node 2 is at the place that belongs to it,
and the way has the node's place inline. Prints how many snapshots and how many different versions it has seen.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from database import Database


def version_of(database: Database) -> int:
    """The number that the whole database agrees on; AssertionError if it does not."""
    stored = {(s.element.type, s.element.id): s for s in database.dump()}
    numbers = {dict(stored[kind, 1].element.tags)["number"] for kind in ("node", "way", "relation")}
    assert len(numbers) == 1, f"three numbers in one snapshot: {numbers}"
    number = int(numbers.pop())
    assert stored["node", 2].element.position == (number, 2 * number)
    assert stored["way", 1].coordinates[0] == (number, 2 * number)
    assert sum(1 for s in stored.values() if s.element.type == "node") == 2 + number % 7
    return number


def main(root: str, stop: str) -> None:
    seen: list[int] = []
    while not Path(stop).exists():
        seen.append(version_of(Database(root, lambda: time.sleep(random.random() * 0.03))))
        assert seen[-1] >= seen[max(0, len(seen) - 2)], "time has gone backwards"
    print(len(seen), len(set(seen)))


if __name__ == "__main__":
    main(*sys.argv[1:])
