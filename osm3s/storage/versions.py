"""Elements over time: which versions there were, and what changed when. Kernels: native/versions.c.

Rows of versions are unsorted, several of one id, with deletions among them; sets of ids are sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import ElementSet
from osm3s.storage.snapshot import FAMILIES_OF_TYPE, Snapshot


class Version(NamedTuple):
    """Valid from `since` on, before `until`; the same: a deletion. Times are seconds since 1970."""

    id: int
    since: int
    until: int
    version: int
    timestamp: int
    changeset: int
    uid: int


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

    def begun(self, since: int, until: int) -> Versions:
        """Find the versions that began after the one and up to the other time."""
        blocks, n = self._blocks_changed(since)
        check(lib.osm3s_versions_begun(self._snapshot.handle, self._limits, blocks, n, since, until, self.rows))
        return self

    def by(self, uids: Sequence[int]) -> Versions:
        """Find the versions by users."""
        blocks, n = self._blocks_changed(0)
        self._snapshot.attach_meta(blocks, n)
        wanted = ffi.new("int32_t[]", list(uids))
        check(lib.osm3s_versions_by(self._snapshot.handle, self._limits, blocks, n, wanted, len(uids), self.rows))
        return self

    def of(self, ids: Any) -> Versions:
        """Find all versions of some elements (`osm3s_rows *`, sorted)."""
        blocks, n = self._snapshot.blocks_of_ids(ids, self._type)
        self._snapshot.attach_attic(blocks, n, whole=True)
        check(lib.osm3s_versions_of(self._snapshot.handle, self._limits, blocks, n, ids, self.rows))
        return self

    def _blocks_changed(self, since: int) -> tuple[Any, int]:
        """Blocks that have changed after a time, their whole attics attached."""
        snapshot = self._snapshot
        numbers = []
        for family in FAMILIES_OF_TYPE[self._type]:
            first = lib.osm3s_snapshot_first_block(snapshot.handle, family)
            for block in range(first, first + snapshot.n_blocks(family)):
                if since == 0 or lib.osm3s_snapshot_entry(snapshot.handle, block).newest > since:
                    numbers.append(block)
        blocks = ffi.new("uint32_t[]", numbers)
        snapshot.attach_attic(blocks, len(numbers), whole=True)
        return blocks, len(numbers)

    # --- what they tell ---------------------------------------------------------------------------------------------

    def ids(self) -> ElementSet:
        """The elements, as unresolved rows."""
        found = ElementSet()
        check(lib.osm3s_versions_ids(self.rows, found.rows(self._type)))
        return found

    def moved(self, since: int, until: int) -> ElementSet:
        """The elements that got another place, went or came back in the time; all their versions must be here."""
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
