"""Whether a frontend may answer another query after the one it has answered.

Every query has a process of its own unless the operator says otherwise (`--reuse=N`). To start and warm a process takes
several times as long as a small query does, so with reuse a frontend stays for the next ones, one at a time, with its
snapshot and its connection to the dispatcher, as long as nothing out of the ordinary has happened in it: every query
ended well, and no memory was left behind.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

MOST_GROWTH_BYTES = 64 << 20
COLLECT_EVERY = 16
"""Queries between two searches for garbage in cycles."""
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Reuse:
    """`stays`: what was opened for a query is kept for the next one. `is_frontend`: this process does nothing else."""

    def __init__(self) -> None:
        self.stays = False
        self.is_frontend = False
        self._left = 0
        self._most_bytes = 0

    def begin(self, most_queries: int) -> None:
        """From now on this process answers queries, so many at most."""
        self.stays, self.is_frontend = most_queries > 1, True
        self._left = most_queries
        self._most_bytes = _private_bytes() + MOST_GROWTH_BYTES

    @contextmanager
    def rehearsing(self) -> Iterator[None]:
        """What is opened inside is kept; how it ends says nothing about the queries that follow."""
        before, self.stays = self.stays, True
        try:
            yield
        finally:
            self.stays = before

    def retire(self) -> None:
        """This query is the last one."""
        self.stays = False

    def after_query(self) -> bool:
        """Whether to wait for another query."""
        self._left -= 1
        if self.stays and self._left % COLLECT_EVERY == 0:
            gc.collect()
        self.stays = self.stays and self._left > 0 and _private_bytes() <= self._most_bytes
        return self.stays


def _private_bytes() -> int:
    """Memory that is this process's own, without the pages of mapped files."""
    with open("/proc/self/statm", "rb", buffering=0) as statm:
        _, resident, shared, *_ = statm.read(200).split()
    return (int(resident) - int(shared)) * PAGE_BYTES


process = Reuse()
"""Of this process."""
