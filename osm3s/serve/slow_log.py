"""The log of queries that took long: one JSON object per line, with the plan of the query.

| field | meaning |
|---|---|
| time | when the query ended, UTC |
| seconds, cpu_seconds | from its admission to its end, and what it used of processors |
| outcome | "ok", or what it failed with |
| timeout_s, maxsize_bytes | what it claimed |
| address | of the client; empty for tools of this machine |
| query | its text, cut after 64 KiB |
| plan | per statement: name, line, depth, ms, and how it came to its elements |
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

from osm3s.constants import DEFAULT_SLOW_QUERY_S
from osm3s.eval.explanation import Explanation
from osm3s.log import append_whole, open_log
from osm3s.paths import DatabaseDir
from osm3s.ql.settings import Settings

QUERY_MAX_CHARACTERS = 64 * 1024


class SlowLog:
    """`threshold_s`: queries that take this long are logged; 0: none."""

    def __init__(self) -> None:
        self.threshold_s: float = DEFAULT_SLOW_QUERY_S

    def note(
        self,
        root: str,
        query: str,
        settings: Settings,
        address: str,
        started_s: float,
        cpu_before_s: float,
        outcome: str,
        explanation: Explanation,
    ) -> None:
        """A query has ended; `started_s` is on the clock of time.monotonic(). Never raises."""
        seconds = time.monotonic() - started_s
        if not self.threshold_s or seconds < self.threshold_s:
            return
        import json  # takes longer to import than most queries to answer

        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": round(seconds, 3),
            "cpu_seconds": round(cpu_seconds() - cpu_before_s, 3),
            "outcome": outcome,
            "timeout_s": settings.timeout_s,
            "maxsize_bytes": settings.maxsize_bytes,
            "address": address,
            "query": query[:QUERY_MAX_CHARACTERS],
            "plan": [step.as_json() for step in explanation.steps],
        }
        try:
            line = json.dumps(entry).encode() + b"\n"
            log = open_log(DatabaseDir(root).slow_queries_log)
            try:
                append_whole(log, line)
            finally:
                os.close(log)
        except (OSError, ValueError):
            pass


@contextmanager
def unlogged() -> Iterator[None]:
    """No query inside is logged."""
    before, slow_log.threshold_s = slow_log.threshold_s, 0
    try:
        yield
    finally:
        slow_log.threshold_s = before


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


slow_log = SlowLog()
"""Of this process; its threshold is set before it is forked."""
