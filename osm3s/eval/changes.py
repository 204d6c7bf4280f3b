"""What only the changelog knows about changes in a time: elements that changed by what they consist of, and versions
that have been replaced.

A commit notes which elements it touched and where they were and are, but no time other than the data timestamp. When an
element got its version is what its metadata says, unless a later commit has touched it again; then the data timestamp
stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from osm3s.eval.execution import Execution
from osm3s.eval.predicate import Predicate
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import NODE, RELATION, TYPES, WAY, ElementSet
from osm3s.ql.timestamps import seconds_of
from osm3s.storage.changelog import ChangedElement, Kind
from osm3s.storage.index_keys import ABSENT_NODE

Interval = tuple[int, int]


def changed_besides(execution: Execution, interval: Interval) -> ElementSet:
    """Elements that changed after the one and up to the other time in a way that their own metadata does not tell."""
    search = _Search(execution, interval)
    for timestamp, rows in execution.snapshot.newest_changes():
        committed = _seconds_or_none(timestamp)
        if committed is not None and committed <= interval[0]:
            break  # what this commit and those before it brought is older still
        search.add_commit(committed, list(rows))
        execution.check_limits()
    return search.result


def _seconds_or_none(timestamp: str) -> int | None:
    try:
        return seconds_of(timestamp)
    except ValueError:
        return None


class _Search:
    """Goes through the commits from the newest to the oldest."""

    def __init__(self, execution: Execution, interval: Interval) -> None:
        self.result = ElementSet()
        self._execution = execution
        self._interval = interval
        self._replaced: tuple[set[int], set[int], set[int]] = (set(), set(), set())
        """Elements that later commits have given a version, or deleted."""
        self._created_later: set[int] = set()
        """Relations that were not there yet."""

    def add_commit(self, committed: int | None, rows: list[ChangedElement]) -> None:
        in_time = committed is not None and self._interval[0] < committed <= self._interval[1]
        by_type = [[row for row in rows if row.type == element_type] for element_type in TYPES]
        if in_time:
            for element_type in TYPES:
                versions = [row.id for row in by_type[element_type] if row.kind != Kind.IMPLICIT]
                self.result.add(self._located(element_type, self._replaced[element_type].intersection(versions)))
        moved, gone = self._moved(NODE, by_type[NODE], in_time)
        ways = self._ways(by_type[WAY], moved, gone)
        self.result.add(ways, (WAY,))
        reshaped, gone_ways = self._moved(WAY, by_type[WAY], in_time)
        ways.add(reshaped, (WAY,))
        self._add_relations(by_type[RELATION], (moved, gone, ways, gone_ways))
        for element_type in TYPES:
            own = (row.id for row in by_type[element_type] if row.kind != Kind.IMPLICIT)
            self._replaced[element_type].update(own)

    def _moved(self, element_type: int, rows: list[ChangedElement], in_time: bool) -> tuple[ElementSet, ElementSet]:
        """The elements that got another place in the time: those still there, and those that are not, as mere ids."""
        moved = {row.id for row in rows if row.kind == Kind.MODIFIED and row.old_box != row.new_box}
        replaced = moved & self._replaced[element_type]
        found = self._of_interval(self._located(element_type, moved - replaced), element_type, self._interval)
        gone = ElementSet()
        if in_time:
            still_there = self._located(element_type, replaced)
            gone.put_ids(element_type, replaced.union(row.id for row in rows if row.kind == Kind.DELETED))
            gone.subtract(still_there)
            found.add(still_there, (element_type,))
        return found, gone

    def _ways(self, rows: list[ChangedElement], moved: ElementSet, gone: ElementSet) -> ElementSet:
        """Ways of the commit that have a moved node."""
        found = ElementSet()
        if not (moved.count(NODE) or gone.count(NODE)):
            return found
        candidates = self._there_before(WAY, rows)
        snapshot, limits = self._execution.snapshot, self._execution.limits
        ways = candidates.rows(WAY)
        blocks, n = ffi.new("uint32_t[]", ways.n + 1), ffi.new("size_t *")
        check(lib.osm3s_rows_blocks(snapshot.handle, ways, blocks, n))
        nodes, into = moved.rows(NODE), found.rows(WAY)
        check(lib.osm3s_ways_of_nodes(snapshot.handle, limits.handle, blocks, n[0], nodes, ffi.NULL, 0, into))
        of_absent = ElementSet()
        snapshot.owners(gone.rows(NODE), ABSENT_NODE, of_absent.rows(WAY))
        snapshot.locate(of_absent.rows(WAY), WAY)
        found.add(of_absent, (WAY,))
        found.intersect(candidates, (WAY,))
        return found

    def _add_relations(self, rows: list[ChangedElement], members: Iterable[ElementSet]) -> None:
        found, not_yet = ElementSet(), ElementSet()
        for set_ in members:
            for element_type in (NODE, WAY):
                self._execution.snapshot.owners(set_.rows(element_type), element_type, found.rows(RELATION))
        created = {row.id for row in rows if row.kind == Kind.CREATED}
        not_yet.put_ids(RELATION, self._created_later | created)
        not_yet.subtract(self._there_before(RELATION, rows))
        found.subtract(not_yet)
        self._execution.snapshot.locate(found.rows(RELATION), RELATION)
        self.result.add(found, (RELATION,))
        self._created_later |= created

    def _there_before(self, element_type: int, rows: list[ChangedElement]) -> ElementSet:
        """Elements of the commit; of those it created only the ones that are older than the time in question."""
        ids = {row.id for row in rows if row.kind in (Kind.MODIFIED, Kind.IMPLICIT)}
        created = {row.id for row in rows if row.kind == Kind.CREATED}
        result = self._of_interval(self._located(element_type, created), element_type, (0, self._interval[0]))
        result.add(self._located(element_type, ids), (element_type,))
        return result

    def _located(self, element_type: int, ids: Iterable[int]) -> ElementSet:
        """Those elements that are in the database now."""
        found = ElementSet()
        found.put_ids(element_type, ids)
        self._execution.snapshot.locate(found.rows(element_type), element_type)
        return found

    def _of_interval(self, set_: ElementSet, element_type: int, interval: Interval) -> ElementSet:
        """The elements that got their version after the one and up to the other time."""
        found = ElementSet()
        if interval[0] >= interval[1]:
            return found
        rows: Any = set_.rows(element_type)
        execution = self._execution
        execution.snapshot.attach_meta_of(rows)
        predicate = Predicate([], [], set(), 0, changed=interval)
        into = found.rows(element_type)
        check(lib.osm3s_query_rows(execution.snapshot.handle, execution.limits.handle, rows, predicate.c, into))
        return found
