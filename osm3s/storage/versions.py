"""Elements over time: which versions there were, and what changed when. Kernels: native/versions.c.

Rows of versions are unsorted, several of one id, with deletions among them; sets of ids are sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import TYPES, ElementSet
from osm3s.storage.snapshot import EVER, Snapshot


class Version(NamedTuple):
    """Valid from `since` on, before `until`; the same: a deletion. Times are seconds since 1970."""

    id: int
    since: int
    until: int
    version: int
    timestamp: int
    changeset: int
    uid: int


def logged_begun(snapshot: Snapshot, limits: Any, since: int, until: int) -> ElementSet | None:
    """The elements of all types with a version that began after the one and up to the other time, as unresolved rows.

    In proportion to what changed then; None: the changelog does not go back so far."""
    changelogs = snapshot.changelogs_between(since, until)
    if changelogs is None:
        return None
    begun, unsure = ElementSet(), ElementSet()
    for rows in changelogs:
        data = ffi.from_buffer(rows)
        check(lib.osm3s_changelog_begun(data, len(rows), since, until, begun.handle, unsure.handle))
    for element_type in TYPES:
        check(lib.osm3s_rows_sort(begun.rows(element_type)))
        check(lib.osm3s_rows_sort(unsure.rows(element_type)))
        if unsure.count(element_type):
            found = Versions(snapshot, limits, element_type).begun(since, until, unsure.rows(element_type))
            begun.add(found.ids(), (element_type,))
    return begun


class Versions:
    """All versions of one type that a search has found."""

    def __init__(self, snapshot: Snapshot, limits: Any, element_type: int) -> None:
        """`limits` is the `osm3s_context *` of the query."""
        self._snapshot = snapshot
        self._limits = limits
        self._type = element_type
        self._set = ElementSet()

    @property
    def rows(self) -> Any:
        return self._set.rows(self._type)

    # --- searches ---------------------------------------------------------------------------------------------------

    def begun(self, since: int, until: int, ids: Any = None) -> Versions:
        """Find the versions that began after the one and up to the other time; with `ids` (`osm3s_rows *`, sorted) all
        of these elements, and maybe of others."""
        if ids is None:
            blocks, n = self._snapshot.changed_blocks(self._type, since)
        else:
            blocks, n = self._snapshot.blocks_of_ids(ids, self._type)
        self._snapshot.attach_attic(blocks, n, (since, until))
        check(lib.osm3s_versions_begun(self._snapshot.handle, self._limits, blocks, n, since, until, self.rows))
        return self

    def by(self, uids: Sequence[int]) -> Versions:
        """Find the versions by users."""
        blocks, n = self._snapshot.changed_blocks(self._type, 0)
        self._snapshot.attach_attic(blocks, n, EVER)
        self._snapshot.attach_meta(blocks, n)
        wanted = ffi.new("int32_t[]", list(uids))
        check(lib.osm3s_versions_by(self._snapshot.handle, self._limits, blocks, n, wanted, len(uids), self.rows))
        return self

    def of(self, ids: Any, interval: tuple[int, int] = EVER) -> Versions:
        """Find the versions of some elements (`osm3s_rows *`, sorted): those that ended after the one and began up
        to the other time, maybe others, too."""
        blocks, n = self._snapshot.blocks_of_ids(ids, self._type)
        self._snapshot.attach_attic(blocks, n, interval)
        check(lib.osm3s_versions_of(self._snapshot.handle, self._limits, blocks, n, ids, self.rows))
        return self

    # --- what they tell ---------------------------------------------------------------------------------------------

    def ids(self) -> ElementSet:
        """The elements, as unresolved rows."""
        found = ElementSet()
        check(lib.osm3s_versions_ids(self.rows, found.rows(self._type)))
        return found

    def moved(self, since: int, until: int) -> ElementSet:
        """The elements that got another place, went or came back in the time, of which all versions must be here."""
        found = ElementSet()
        check(lib.osm3s_versions_moved(self._snapshot.handle, self.rows, since, until, found.rows(self._type)))
        return found

    def keep_valid(self, since: int, until: int) -> ElementSet:
        """Keep what was valid at some time after the one and up to the other."""
        check(lib.osm3s_versions_valid(self._snapshot.handle, self.rows, since, until))
        return self._set

    def described(self) -> list[Version]:
        """By id, in the order of time."""
        self._snapshot.attach_meta_of(self.rows)
        n = self.rows.n
        out = ffi.new("osm3s_version[]", n + 1)
        check(lib.osm3s_versions_describe(self._snapshot.handle, self.rows, out))
        return sorted(
            Version(v.id, v.since, v.until, v.meta.version, v.meta.timestamp, v.meta.changeset, v.meta.uid)
            for v in out[0:n]
        )
