"""Is a whole database sound? Everything that its parts say about each other is compared; see native/check.c.

Takes about 20 bytes of memory per element; every block is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import error as StructError
from typing import Any

import lmdb
import zstandard

from osm3s.errors import CorruptError
from osm3s.ffi import check, ffi, lib
from osm3s.paths import AREAS, DatabaseDir
from osm3s.storage import changelog, index_keys, index_sum
from osm3s.storage.block_files import decompress_meta
from osm3s.storage.check_extents import check_directory
from osm3s.storage.free_extents import FREE_KEY, LAST_MERGE_KEY, LATEST_KEY
from osm3s.storage.settings import LEVELS
from osm3s.storage.snapshot import EVER, FAMILIES_OF_TYPE, Snapshot
from osm3s.storage.version_times import VersionTimes

TYPES = ("nodes", "ways", "relations")
LINK_KINDS = range(10)
TAG_FAMILIES = (0, 1, 2, 3, 5, 6, 7)
SETTINGS = (index_keys.setting("database"), FREE_KEY, LATEST_KEY, LAST_MERGE_KEY, index_sum.KEY)
KNOWN = (
    index_keys.ATTIC,
    index_keys.DIRECTORY,
    index_keys.ID_MAP,
    index_keys.LINKS,
    index_keys.TAGS,
    index_keys.USERS,
    index_keys.CHANGELOG,
    index_keys.VERSION_TIMES,
    index_keys.SETTINGS,
)
ID_PAGES_PER_STEP = 256
GARBAGE = (ValueError, IndexError, OverflowError, StructError)
"""What Python raises where the bytes of an entry make no sense."""

Progress = Callable[[str, int, int], None]
"""What is being checked, how much is done, how much there is (0: not known)."""


def check_database(snapshot: Snapshot, db: DatabaseDir, progress: Progress) -> Iterator[str]:
    """What is wrong, one line each; nothing if the database is sound. The snapshot must not be used otherwise.

    Raises CorruptError or MemoryError's kin if the check cannot go on.
    """
    try:
        progress("directory", 0, 0)
        problems = list(check_directory(snapshot, db))
        yield from problems
        if any(line.startswith("directory") for line in problems):
            yield "the block directory is damaged: nothing else was checked"
            return
        yield from _Check(snapshot, progress, db.domain == AREAS).run()
    except (lmdb.Error, *GARBAGE) as error:
        yield f"the index cannot be read: {error}"


class _Check:
    def __init__(self, snapshot: Snapshot, progress: Progress, of_areas: bool) -> None:
        self._snapshot = snapshot
        self._progress = progress
        native = lib.osm3s_check_new(snapshot.handle, snapshot.has_meta)
        if native == ffi.NULL:
            check(lib.OSM3S_NOMEM)
        self._native: Any = ffi.gc(native, lib.osm3s_check_free)
        if of_areas:
            lib.osm3s_check_with_positions(native)

    def run(self) -> Iterator[str]:
        yield from self._check_sum()
        for element_type in range(3):
            yield from self._check_ids(element_type)
            yield from self._check_blocks(element_type)
            check(lib.osm3s_check_elements_end(self._native, element_type))
            yield from self._found()
        yield from self._check_counts()
        for kind in LINK_KINDS:
            yield from self._check_links(kind)
        for family in TAG_FAMILIES:
            yield from self._check_tags(family)
        yield from self._check_users()
        yield from self._check_rest()

    def _check_sum(self) -> Iterator[str]:
        total, stated = 0, None
        for number, (key, value) in enumerate(self._snapshot.entries()):
            self._progress("index", number, 0)
            if key == index_sum.KEY:
                stated = bytes(value)
            else:
                total += index_sum.of_entry(key, value)
        if stated not in (None, index_sum.pack(total)):
            yield "index: its entries do not match their common checksum: one of them is damaged"

    def _found(self) -> Iterator[str]:
        lines = lib.osm3s_check_problems(self._native)
        if lines.len:
            yield from bytes(ffi.buffer(lines.data, lines.len)).decode("utf-8", "replace").splitlines()

    def _check_ids(self, element_type: int) -> Iterator[str]:
        prefix = index_keys.ID_MAP + bytes([element_type])
        for number, (key, page) in enumerate(self._snapshot.entries(prefix)):
            page_number = int.from_bytes(key[2:], "big")
            check(lib.osm3s_check_id_page(self._native, element_type, page_number, ffi.from_buffer(page), len(page)))
            if number % ID_PAGES_PER_STEP == 0:
                self._progress(f"id map of {TYPES[element_type]}", number, 0)
                yield from self._found()
        check(lib.osm3s_check_ids_end(self._native, element_type))
        yield from self._found()

    def _check_blocks(self, element_type: int) -> Iterator[str]:
        snapshot = self._snapshot
        for family in FAMILIES_OF_TYPE[element_type]:
            first, n = lib.osm3s_snapshot_first_block(snapshot.handle, family), snapshot.n_blocks(family)
            for block in range(first, first + n):
                self._progress(TYPES[element_type], block - first, n)
                yield from self._check_block(block)

    def _check_block(self, block: int) -> Iterator[str]:
        frames: list[bytes] = []
        for delta in (0, 1):
            try:
                frames.append(self._meta_frame(block, delta))
            except CorruptError as error:
                yield str(error)
                frames.append(b"")
        base, delta_frame = frames
        check(lib.osm3s_check_block(self._native, block, base, len(base), delta_frame, len(delta_frame)))
        yield from self._found()
        try:
            if self._snapshot.settings.level == "attic":
                self._snapshot.attach_attic(ffi.new("uint32_t *", block), 1, EVER)
                self._snapshot.attach_attic_meta(block)
                check(lib.osm3s_check_attic(self._native, block))
        except CorruptError as error:
            yield str(error)
        yield from self._found()
        self._snapshot.forget_attic(block)

    def _meta_frame(self, block: int, delta: int) -> bytes:
        """b"" if there is none, or if its bytes are bad, which the core reports."""
        length = ffi.new("uint32_t *")
        entry = lib.osm3s_snapshot_entry(self._snapshot.handle, block)
        frame = lib.osm3s_snapshot_meta_frame(self._snapshot.handle, block, delta, length)
        if frame == ffi.NULL:
            return b""
        part = "delta of block" if delta else "block"
        if not self._snapshot.has_meta:
            raise CorruptError(f"{part} {entry.id}: a meta frame, but the database keeps no metadata")
        try:
            return decompress_meta(ffi.buffer(frame, length[0]))
        except zstandard.ZstdError as error:
            raise CorruptError(f"{part} {entry.id}: the meta frame does not decompress: {error}") from None

    def _check_counts(self) -> Iterator[str]:
        counts = ffi.new("uint64_t[3]")
        lib.osm3s_check_counts(self._native, counts)
        for name, found, stated in zip(TYPES, counts, self._snapshot.settings.n_elements, strict=True):
            if found != stated:
                yield f"settings: {stated} {name}, there are {found}"

    def _check_links(self, kind: int) -> Iterator[str]:
        for number, (key, page) in enumerate(self._snapshot.entries(index_keys.link_prefix(kind))):
            self._progress("links", number, 0)
            member = int.from_bytes(key[2:], "big")
            check(lib.osm3s_check_link_page(self._native, kind, member, ffi.from_buffer(page), len(page)))
            yield from self._found()
        check(lib.osm3s_check_links_end(self._native, kind))
        yield from self._found()

    def _check_tags(self, family: int) -> Iterator[str]:
        serials: set[bytes] = set()
        for number, (key, page) in enumerate(self._snapshot.entries(index_keys.tag_prefix(family))):
            self._progress("tag directory", number, 0)
            last, serial = key[2:-5], key[-4:]
            if serial in serials:
                yield f"tag directory: two pages have the number {int.from_bytes(serial, 'big')}"
            serials.add(serial)
            check(lib.osm3s_check_tag_page(self._native, family, last, len(last), ffi.from_buffer(page), len(page)))
            yield from self._found()
        check(lib.osm3s_check_tags_end(self._native, family))
        yield from self._found()

    def _check_users(self) -> Iterator[str]:
        snapshot = self._snapshot
        n = ffi.new("size_t *")
        uids = lib.osm3s_check_uids(self._native, n)
        for i in range(n[0]):
            self._progress("users", i, n[0])
            if snapshot.user_name(uids[i]) is None:
                yield f"users: no name for uid {uids[i]}"
        if not snapshot.has_meta and next(snapshot.entries(index_keys.USERS), None) is not None:
            yield "users: there are some, but the database keeps no metadata"

    def _check_rest(self) -> Iterator[str]:
        """Settings, changelog, and whether there is anything else in the index."""
        settings = self._snapshot.settings
        if settings.level not in LEVELS:
            yield f"settings: the level {settings.level!r} is none of {', '.join(LEVELS)}"
        for key, value in self._snapshot.entries(index_keys.CHANGELOG):
            commit = int.from_bytes(key[1:], "big")
            if len(key) != 9 or commit > settings.commit:
                yield f"changelog: commit {commit}, but there were only {settings.commit}"
            try:
                previous = (-1, 0)
                for row in changelog.unpack(bytes(value))[1]:
                    if (row.type, row.id) <= previous:
                        yield f"changelog: commit {commit} is not in order at {TYPES[row.type]} {row.id}"
                    previous = (row.type, row.id)
            except (zstandard.ZstdError, *GARBAGE) as error:
                yield f"changelog: commit {commit} is damaged: {error}"
        before = 0
        for key, value in self._snapshot.entries(index_keys.VERSION_TIMES):
            commit = int.from_bytes(key[1:], "big")
            times = VersionTimes.unpack(value)
            if times.before < before or times.first > times.last or commit > settings.commit:
                yield f"times of versions: those of commit {commit} are not possible"
            before = max(times.before, times.last)
        for key, _ in self._snapshot.entries():
            if key[:1] == index_keys.SETTINGS and key not in SETTINGS:
                yield f"settings: an unknown one: {key[1:]!r}"
            elif key[:1] not in KNOWN:
                yield f"index: an entry of unknown kind: {key!r}"
