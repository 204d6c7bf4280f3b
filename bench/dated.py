"""Queries about the past: the standard queries as of a day before all diffs, and what changed in a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.databases import Ours, Reference, Side
from bench.http_client import HttpError
from bench.measure import CommandFailed
from bench.queries import Query, compare, read_answer
from bench.rounds import DEVNULL, ask_ours, fetch_ours, fetch_reference
from bench.table import Report

DATE = "2026-05-31T00:00:00Z"
"""Before all diffs, which are of the first minutes of June, and after all data."""
SINCE, UNTIL = "2026-06-01T00:02:30Z", "2026-06-01T00:03:30Z"
"""The minute of the first diff in few places."""
LAST = "2026-06-01T00:06:30Z"
CHANGED = f'(node(changed:"{SINCE}","{UNTIL}");way(changed:"{SINCE}","{UNTIL}");rel(changed:"{SINCE}","{UNTIL}"););'
LONG = "[timeout:86400]"
"""The reference takes differences of some thousand elements for hours of work, and within a second gives up."""
CHANGES = {
    "adiff": f'{LONG}[adiff:"{SINCE}","{UNTIL}"];{CHANGED}out meta geom;',
    "diff": f'{LONG}[diff:"{SINCE}","{UNTIL}"];{CHANGED}out meta;',
    "changed": f"[timeout:900];{CHANGED}out ids;",
    "newer": f'[timeout:900];(node(newer:"{LAST}");way(newer:"{LAST}");rel(newer:"{LAST}"););out ids;',
}
DATED = (
    *(
        "city_tag",
        "node_by_id",
        "way_by_id",
        "map_call_meta",
        "around_point",
        "around_set",
        "poly_small",
        "regex_value",
    ),
    *("region_ways_geom", "relations_geom", "ways_and_nodes", "count_amenities"),
)
ROUNDS, QUERY_S = 15, 2.0


def dated(text: str) -> str:
    """A query as of DATE."""
    return f'[date:"{DATE}"]{"" if text.startswith("[") else ";"}{text}'


def measure_dated(sides: list[Side], queries: list[Query], work: Path) -> Report:
    """`sides` have had all diffs, with history. The reference is asked about changes alone."""
    ours = next((side for side in sides if isinstance(side, Ours)), None)
    reference = next((side for side in sides if isinstance(side, Reference)), None)
    report: Report = {"dated": [], "changes": []}
    if ours is None:
        return report
    with ExitStack() as stack:
        client = stack.enter_context(ours.serving(work / "dated.log"))
        for query in queries:
            if query.name in DATED:
                undated, past = partial(ask_ours, client, query.text), partial(ask_ours, client, dated(query.text))
                report["dated"].append({"name": query.name, **_in_turn({"undated": undated, "dated": past})})
        for name, text in CHANGES.items():
            runs: dict[str, Callable[[], float]] = {"ours": partial(ask_ours, client, text)}
            row: Report = {"name": name}
            try:
                answer = read_answer(fetch_ours(client, text))
                row["elements"] = answer.elements
                if reference is not None:
                    runs["reference"] = partial(reference.run_query, text, DEVNULL)
                    row["answers"] = compare(answer, read_answer(fetch_reference(reference, text, work)))
            except (HttpError, CommandFailed, OSError) as error:
                row["failed"] = f"failed: {str(error).splitlines()[0][:120]}"
            report["changes"].append({**row, **_in_turn(runs)})
    return report


def _in_turn(asked: dict[str, Callable[[], float]]) -> Report:
    """Seconds of each run; the first one of each, which finds caches empty, does not count."""
    runs: Report = {name: [] for name in asked}
    deadline = time.monotonic() + QUERY_S
    for number in range(ROUNDS + 1):
        for name, ask in asked.items():
            try:
                elapsed_s = ask()
            except (HttpError, CommandFailed, OSError) as error:
                return {"failed": f"failed: {str(error).splitlines()[0][:120]}"}
            if number:
                runs[name].append(elapsed_s)
        if number >= 2 and time.monotonic() > deadline:
            break
    return runs
