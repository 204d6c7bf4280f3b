"""`python -m tests.truth [--times N] [--feed N] FILE.osh.pbf…`: histories against `osmium time-filter`.

Each file is loaded as a full history; then `[date:T]` of everything is compared with the file filtered at T, for random
T. With --feed the file is also cut into so many changes, which are fed to an empty database one after the other; the
answers of that database are compared with the same, and the geometry of its ways with that of the first one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from .opl import FullHistory, date_of, lines_of

PROJECT = Path(__file__).resolve().parent.parent.parent
SETTINGS = '[date:"{}"][timeout:3600][maxsize:8000000000];'
EVERYTHING = SETTINGS + 'nwr[!"no element has this key"];out meta;'
WAYS = SETTINGS + 'way[!"no element has this key"];out skel geom;'
SHOWN = 3


def answer(db: Path, query: str) -> bytes:
    command = [PROJECT / "bin" / "osm3s_query", f"--db-dir={db}", "--quiet", "--concise"]
    return subprocess.run(command, input=query.encode(), capture_output=True, check=True).stdout


def stored_at(db: Path, seconds: int, work: Path) -> set[bytes]:
    """All elements at a time as the database says."""
    path = work / "answer.osm"
    path.write_bytes(answer(db, EVERYTHING.format(date_of(seconds))))
    return lines_of(path)


def body(text: bytes) -> bytes:
    """What an answer says of elements; the head names the last change that the database got."""
    return text[text.find(b"<way") :]


def update(db: Path, path: Path) -> None:
    command = [PROJECT / "bin" / "update_database", f"--db-dir={db}", "--keep-attic", "--areas=none", path]
    subprocess.run(command, check=True, capture_output=True)


def fed(history: FullHistory, n: int, work: Path) -> Path:
    """A database that got the history as n changes."""
    db, empty = work / "fed", work / "empty.osm"
    db.mkdir()
    empty.write_text('<osm version="0.6"></osm>\n')
    update(db, empty)
    for path in history.changes(n, work):
        update(db, path)
        path.unlink()
    return db


def random_times(history: FullHistory, n: int, seed: int) -> list[int]:
    """Times at which something changed, a second before, and any."""
    chance = Random(seed)
    first, last = min(history.begins), max(history.begins)
    return [
        chance.choice([chance.choice(history.begins), chance.choice(history.begins) - 1, chance.randint(first, last)])
        for _ in range(n)
    ]


def check_file(path: Path, n_times: int, n_changes: int, seed: int) -> int:
    """How many answers were wrong; says so of each."""
    started_s, wrong = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="osm3s-truth-") as temporary:
        work, history = Path(temporary), FullHistory(path)
        loaded = work / "loaded"
        loaded.mkdir()
        update(loaded, path)
        databases = {"loaded": loaded} | ({"fed": fed(history, n_changes, work)} if n_changes else {})
        times = random_times(history, n_times, seed)
        for seconds in times:
            expected = history.at(seconds, work)
            if n_changes and len({body(answer(db, WAYS.format(date_of(seconds)))) for db in databases.values()}) > 1:
                wrong += 1
                print(f"{path.name}, {date_of(seconds)}: geometries of the databases differ")
            for name, db in databases.items():
                found = stored_at(db, seconds, work)
                if found == expected:
                    continue
                wrong += 1
                print(f"{path.name}, {name}, {date_of(seconds)}: {len(found ^ expected)} of {len(expected)} differ")
                for line in sorted(found ^ expected)[:SHOWN]:
                    print("  only", "found:" if line in found else "expected:", line.decode(errors="replace")[:200])
    print(
        f"{path.name}: {len(history.begins)} versions, {' and '.join(databases)}"
        f"{f' in {n_changes} changes' if n_changes else ''}, {len(times)} times {date_of(min(times))[:10]} to "
        f"{date_of(max(times))[:10]}, {wrong} wrong answers, {time.monotonic() - started_s:.0f} s",
        flush=True,
    )
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.truth", description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="full histories")
    parser.add_argument("--times", type=int, default=50, help="how many random times per file (default 50)")
    parser.add_argument("--feed", type=int, default=0, help="also feed the history in so many changes")
    parser.add_argument("--seed", type=int, default=1, help="of the random times (default 1)")
    options = parser.parse_args()
    os.environ.pop("OVERPASS_DB_DIR", None)
    return 1 if sum(check_file(path, options.times, options.feed, options.seed) for path in options.files) else 0


if __name__ == "__main__":
    sys.exit(main())
