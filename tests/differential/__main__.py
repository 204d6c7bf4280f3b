"""`python -m tests.differential --seed N --pairs M`: random pairs of data and query, two answers, what differs.

With $REFERENCE, the prefix of an installed OSM3S, its answers are the measure; else those of the oracle.
"""

from __future__ import annotations

import argparse
import difflib
import os
import signal
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from .campaign import Difference, System, Tally, campaign
from .oracle import Oracle
from .random_contexts import CONTEXTS, fits, random_query_in
from .random_core import random_core_query
from .random_query import random_query
from .systems import InProcess, Program, Reference

PROGRESS = 5000
"""After so many pairs each, a line says how far it is."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of the first random number (default 1)")
    parser.add_argument("--pairs", type=int, default=1000, help="how many pairs of data and query (default 1000)")
    parser.add_argument("--program", action="store_true", help="ask bin/osm3s_query, not the code in this process")
    parser.add_argument("--as-found", action="store_true", help="do not make the pairs that differ small")
    parser.add_argument("--most", type=int, default=10, help="stop after so many differences (default 10)")
    parser.add_argument("--context", choices=CONTEXTS, help="only queries in one context, dense in what they ask")
    options = parser.parse_args()
    project = Program if options.program else InProcess
    prefix = os.environ.get("REFERENCE")

    def systems(work: Path) -> tuple[System, System]:
        return project(work), Reference(Path(prefix), work) if prefix else Oracle(work)

    tally, started_s = Tally(), time.monotonic()
    make_query, fits_context = random_query if prefix else random_core_query, partial(fits, options.context)
    if options.context:
        make_query = partial(random_query_in, options.context)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):  # what has been done until then is reported
        for part in campaign(options.seed, options.pairs, systems, make_query, not options.as_found, fits_context):
            tally.add(part)
            for difference in part.differences:
                print(report(difference), flush=True)
            if tally.pairs // PROGRESS > (tally.pairs - part.pairs) // PROGRESS:
                print(summary(options.seed, tally, time.monotonic() - started_s), file=sys.stderr)
            if len(tally.differences) >= options.most:
                break
    print(summary(options.seed, tally, time.monotonic() - started_s))
    return 1 if tally.differences else 0


def summary(seed: int, tally: Tally, elapsed_s: float) -> str:
    return (
        f"seed {seed}: {tally.compared} pairs compared, {len(tally.differences)} differences; "
        f"{tally.empty} answers were empty; {tally.unanswered} more pairs had no answer; "
        f"{tally.excused.total()} more differ on purpose{_by_name(tally)}; {elapsed_s:.0f} s"
    )


def _by_name(tally: Tally) -> str:
    return "".join(f"{',' if i else ':'} {n} {name}" for i, (name, n) in enumerate(tally.excused.most_common()))


def report(difference: Difference) -> str:
    judged, judge = (answer.text().split("\n") for answer in difference.answers)
    lines = list(difflib.unified_diff(judge, judged, "expected", "the project", lineterm="", n=1))
    return "\n".join([f"=== {difference.place}", difference.data.text() + difference.query, *lines, ""])


if __name__ == "__main__":
    sys.exit(main())
