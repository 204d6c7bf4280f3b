"""Tag filters in the form the core takes, and which blocks of the tag directory they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from osm3s.ffi import ffi, lib
from osm3s.ffi.regex import Regex
from osm3s.storage.index_keys import ATTIC_FAMILY
from osm3s.storage.snapshot import Snapshot
from osm3s.storage.tag_directory import TagBlocks


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _compiled(pattern: str, ignore_case: bool, context: Any) -> Regex | None:
    if not pattern:
        return None
    from osm3s.ql.regex import size_here  # now: updates of areas have no patterns, and need no language

    return Regex(pattern, ignore_case, size_here(pattern), context)


class TagFilter:
    """One has-kv. An empty `key` means that `key_regex` counts; empty value and value_regex: the key must be there."""

    def __init__(
        self,
        key: str,
        value: str,
        key_regex: str,
        value_regex: str,
        negate: bool,
        ignore_case: bool,
        context: Any = ffi.NULL,
    ) -> None:
        """`context`: the `osm3s_context *` whose limits hold for regular expressions."""
        self.negate = negate
        self.key, self.value = _bytes(key), _bytes(value)
        self._key_regex = _compiled(key_regex, ignore_case, context)
        self._value_regex = _compiled(value_regex, ignore_case, context)
        if self._key_regex is not None:
            self._kind = lib.OSM3S_TAG_KEY_MATCHES
        elif self._value_regex is not None:
            self._kind = lib.OSM3S_TAG_MATCHES
        else:
            self._kind = lib.OSM3S_TAG_EQUALS if self.value else lib.OSM3S_TAG_HAS_KEY

    def fill(self, c: Any) -> Any:
        """Set an `osm3s_tag_filter`; return what must stay alive with it."""
        key, value = ffi.from_buffer("char[]", self.key), ffi.from_buffer("char[]", self.value)
        c.kind, c.negate = self._kind, self.negate
        c.key, c.key_len, c.value, c.value_len = key, len(self.key), value, len(self.value)
        c.key_regex = self._key_regex.handle if self._key_regex else ffi.NULL
        c.value_regex = self._value_regex.handle if self._value_regex else ffi.NULL
        return key, value

    @property
    def names_key(self) -> bool:
        """Whether the tag directory can say where elements that pass are: the key is known and must be there."""
        return not self.negate and self._kind != lib.OSM3S_TAG_KEY_MATCHES

    @property
    def counts_exactly(self) -> bool:
        """Whether the counts of `blocks` are those of the elements that pass."""
        return self.names_key and self._kind in (lib.OSM3S_TAG_EQUALS, lib.OSM3S_TAG_HAS_KEY)

    def matches(self, tags: Sequence[tuple[str, str]]) -> bool:
        """Decide for a derived object. Filters by a regular expression for keys let all of them pass, as in the
        reference."""
        if self._kind == lib.OSM3S_TAG_KEY_MATCHES:
            return True
        return self._finds(tags)

    def matches_area(self, tags: Sequence[tuple[str, str]]) -> bool:
        """Decide for a stored area."""
        if self._key_regex is None:
            return self._finds(tags)
        of_keys = [_bytes(value) for key, value in tags if self._key_regex.matches(_bytes(key))]
        found = bool(of_keys) if self._value_regex is None else any(map(self._value_regex.matches, of_keys))
        return found != self.negate

    def _finds(self, tags: Sequence[tuple[str, str]]) -> bool:
        values = [_bytes(value) for key, value in tags if _bytes(key) == self.key]
        if self._kind == lib.OSM3S_TAG_EQUALS:
            found = self.value in values
        elif self._value_regex is not None:
            found = any(map(self._value_regex.matches, values))
        else:
            found = bool(values)
        return found != self.negate

    def blocks(self, snapshot: Snapshot, family: int) -> TagBlocks | None:
        """Blocks that may have elements that pass, for filters that name their key; None: there are none."""
        found = self._listed(snapshot, family, 0)
        if not snapshot.time:
            return found
        old = self._listed(snapshot, family, ATTIC_FAMILY)
        if found is None or old is None:
            return found or old
        count_of = dict.fromkeys(ffi.unpack(old.block_ids, old.n), 0)
        count_of.update(zip(ffi.unpack(found.block_ids, found.n), _counts(found), strict=True))
        ids = sorted(count_of)
        counts = ffi.new("uint32_t[]", [count_of[block_id] for block_id in ids]) if found.counts else None
        return TagBlocks(ffi.new("uint32_t[]", ids), counts, len(ids))

    def _listed(self, snapshot: Snapshot, family: int, of_attic: int) -> TagBlocks | None:
        tags = snapshot.tags
        if self._kind == lib.OSM3S_TAG_EQUALS:
            return tags.tag_blocks(family + of_attic, self.key, self.value)
        if self._value_regex is not None:
            n_blocks = snapshot.settings.next_block_id[max(0, family - 1)]
            return tags.matching_blocks(family + of_attic, self.key, self._value_regex.handle, n_blocks)
        return tags.key_blocks(family + of_attic, self.key)


def _counts(found: TagBlocks) -> list[int]:
    counts: list[int] = ffi.unpack(found.counts, found.n) if found.counts else [0] * found.n
    return counts
