"""One consistent version of the database, for reading: an LMDB read transaction and the mapped block files.

A snapshot must be opened after the process was forked. It pins its version until it is closed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import repeat
from typing import TYPE_CHECKING, Any

import lmdb
import zstandard

from osm3s.errors import CorruptError
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import NODE, TYPES, ElementSet
from osm3s.paths import DatabaseDir
from osm3s.storage import changelog, index_keys, version_times
from osm3s.storage.block_files import decompress_meta
from osm3s.storage.index import open_for_reading, read_settings
from osm3s.storage.settings import N_FILES, DatabaseSettings
from osm3s.storage.tag_directory import TagDirectory

if TYPE_CHECKING:
    from osm3s.storage.areas import Areas

FAMILIES = range(4)
FAMILIES_OF_TYPE = ((0, 1), (2,), (3,))
PAGES_AT_A_TIME = 512
"""Of the id map, looked up together: each call into the core or LMDB costs as much as what it does."""
EVER = 0, (1 << 32) - 1
"""The interval that has all versions in it."""


class Snapshot:
    """`handle` is the `osm3s_snapshot *`. Raises StorageError without a database, CorruptError with a bad one."""

    def __init__(self, db: DatabaseDir) -> None:
        self._db = db
        self._env = open_for_reading(db)
        self._inode = os.stat(db.index).st_ino
        try:
            txn = self._env.begin(buffers=True)
            self._load(txn, read_settings(txn), [db.block_file(file) for file in range(N_FILES)])
        except BaseException:
            self._env.close()
            raise

    def _load(self, txn: Any, settings: DatabaseSettings, block_files: Sequence[str]) -> None:
        self._txn, self.settings = txn, settings
        handle = lib.osm3s_snapshot_new()
        if handle == ffi.NULL:
            raise MemoryError
        self.handle: Any = ffi.gc(handle, lib.osm3s_snapshot_free)
        for file, path in enumerate(block_files):
            check(lib.osm3s_snapshot_map(self.handle, file, os.fsencode(path)))
        for family in FAMILIES:
            for _, page in self.entries(index_keys.directory_prefix(family)):
                with ffi.from_buffer(page) as place:  # in the mapped index: it stays as long as this version is read
                    check(lib.osm3s_snapshot_add_directory(self.handle, family, place, len(page), True))
        check(lib.osm3s_snapshot_seal(self.handle))
        self.tags = TagDirectory(self._txn)
        self._paused_at = 0
        self._meta: dict[tuple[int, int], bytes] = {}
        """Decompressed frames, by block and part: base, delta, those of the attic."""
        self.time = 0
        self._attic: dict[tuple[int, int], bytes] = {}
        self._areas: Areas | None = None
        self._areas_wanted = False
        self._paused_areas: Areas | None = None

    @property
    def root(self) -> str:
        """The database directory."""
        return self._db.root

    @property
    def areas(self) -> Areas | None:
        """The newest version of the areas at the time of the first call; from then on the same.

        None: there are none, or they are left over from a map that was here before.
        """
        if not self._areas_wanted:
            from osm3s.storage.areas import open_areas  # here, because few queries are about areas

            kept, self._paused_areas = self._paused_areas, None
            resumed = kept is not None and kept.snapshot.resume()
            self._areas, self._areas_wanted = kept if resumed else open_areas(self._db.root), True
            if self._areas is not None and self._areas.snapshot.settings.map_id != self.settings.map_id:
                self._areas.snapshot.close()
                self._areas = None
        return self._areas

    def close_areas(self) -> None:
        """Whoever asks for them again gets the version that is the newest then."""
        for areas in (self._areas, self._paused_areas):
            if areas is not None:
                areas.snapshot.close()
        self._areas, self._paused_areas, self._areas_wanted = None, None, False

    def close(self) -> None:
        self.close_areas()
        ffi.release(self.handle)
        with suppress(Exception):
            self._txn.abort()
        self._env.close()

    def pause(self) -> None:
        """Stop pinning the version, but keep what was loaded, in case nothing changes until `resume`."""
        if self._areas is not None:
            self._areas.snapshot.pause()
            self._paused_areas = self._areas
        self._areas, self._areas_wanted = None, False
        self._paused_at = self.txn_id
        self._txn.abort()

    def resume(self) -> bool:
        """Read on. False: the database has changed meanwhile; then this snapshot is closed."""
        try:
            self._txn = self._env.begin(buffers=True)
            if self.txn_id == self._paused_at and os.stat(self._db.index).st_ino == self._inode:
                self.tags = TagDirectory(self._txn)
                return True
        except (OSError, lmdb.Error):
            pass
        self.close()
        return False

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def txn_id(self) -> int:
        """LMDB's number of the version that is read."""
        number: int = self._txn.id()
        return number

    @property
    def has_meta(self) -> bool:
        return self.settings.level != "data"

    def entries(self, prefix: bytes = b"") -> Iterator[tuple[bytes, Any]]:
        """Entries of the index whose keys start with `prefix`, in order; values are valid until the snapshot closes."""
        cursor = self._txn.cursor()
        more = cursor.set_range(prefix)
        while more:
            key = bytes(cursor.key())
            if not key.startswith(prefix):
                return
            yield key, cursor.value()
            more = cursor.next()

    def changed_after(self, commit: int) -> ElementSet:
        """What the commits after this one have changed, as unresolved rows."""
        cursor, changed = self._txn.cursor(), ElementSet()
        more = cursor.set_range(index_keys.changelog(commit + 1))
        while more and bytes(cursor.key()[:1]) == index_keys.CHANGELOG:
            rows = changelog.rows(cursor.value())
            check(lib.osm3s_changelog_ids(ffi.from_buffer(rows), len(rows), changed.handle))
            more = cursor.next()
        for element_type in TYPES:
            check(lib.osm3s_rows_sort(changed.rows(element_type)))
        return changed

    def changelogs_between(self, since: int, until: int) -> Iterator[memoryview] | None:
        """The rows of the changelogs of all commits that may have added versions that began after the one and up to the
        other time; None: not all that have are in the changelog."""
        commits = version_times.commits_between(self._txn, since, until)
        if commits is None:
            return None
        return (changelog.rows(self._txn.get(index_keys.changelog(commit))) for commit in commits)

    # --- looking up -------------------------------------------------------------------------------------------------

    def locate(self, rows: Any, element_type: int, or_later: bool = False) -> None:
        """Find unresolved rows (sorted by id) by the id map; those that are not in the database are dropped.

        `or_later`: elements that only came after the time in question are found as they were then: what consists of
        them has a place nevertheless, as in the reference."""
        self._note_blocks(rows, element_type)
        if self.time:
            self._locate_at(rows, element_type, or_later)
        else:
            check(lib.osm3s_rows_locate(self.handle, element_type, rows))

    def _note_blocks(self, rows: Any, element_type: int) -> None:
        """Note in rows, sorted by id, the permanent ids of the blocks that the elements are in now."""
        position, numbers, n = 0, ffi.new("uint64_t[]", PAGES_AT_A_TIME), ffi.new("size_t *")
        while position < rows.n:
            end = lib.osm3s_rows_pages(rows, position, numbers, PAGES_AT_A_TIME, n)
            keys = index_keys.id_pages(element_type, ffi.unpack(numbers, n[0]))
            pages = list(map(self._txn.get, keys, repeat(b"")))
            data = ffi.from_buffer(b"".join(pages))
            check(lib.osm3s_rows_note_blocks(rows, position, end, data, ffi.new("size_t[]", list(map(len, pages)))))
            position = end

    def owners(self, members: Any, kind: int, into: Any) -> None:
        """Append to `into` the owners of members (sorted rows) by links of a kind, as unresolved rows, sorted.

        At a time these are all that have or once had the member."""
        self._links(members, kind, lib.osm3s_link_page_owners, into)
        if self.time and kind < index_keys.ABSENT_NODE:
            self._links(members, index_keys.FORMER_OWNERS + kind, lib.osm3s_link_page_owners, into)
        check(lib.osm3s_rows_sort(into))

    def _links(self, members: Any, kind: int, read_page: Any, into: Any) -> None:
        cursor = self._txn.cursor()
        position = ffi.new("size_t *", 0)
        prefix = index_keys.link_prefix(kind)
        while position[0] < members.n:
            if not cursor.set_range(index_keys.link_page(kind, members.rows[position[0]].id)):
                break
            if bytes(cursor.key()[:2]) != prefix:
                break
            page = cursor.value()
            check(read_page(ffi.from_buffer(page), len(page), members, position, into))

    def resolve_nodes(self, set_: ElementSet, tagged_only: bool = False) -> None:
        """Find the blocks of nodes of which only the position is known; with `tagged_only` just those with tags."""
        rows = set_.rows(NODE)
        self._attach_attic_of(rows, tagged_only)
        check(lib.osm3s_snapshot_resolve_nodes(self.handle, rows, tagged_only))

    def resolve_superseded_nodes(self, set_: ElementSet) -> None:
        """As `resolve_nodes`, but only of nodes that may have changed since the time in question."""
        rows = set_.rows(NODE)
        if self.time and rows.n:
            self._attach_attic_of(rows)
            check(lib.osm3s_rows_resolve_changed(self.handle, rows, False))

    def drop_later_nodes(self, set_: ElementSet) -> None:
        """Leave out nodes found as those of ways that were not there yet at the time."""
        rows = set_.rows(NODE)
        if self.time and rows.n:
            self._attach_attic_of(rows)
            check(lib.osm3s_rows_resolve_changed(self.handle, rows, True))

    def _attach_attic_of(self, nodes: Any, tagged_only: bool = False) -> None:
        """At a time: make readable what there is at the positions of unresolved nodes."""
        if self.time and nodes.n:
            blocks, n = self._room_for_blocks()
            check(lib.osm3s_rows_blocks_of_positions(self.handle, nodes, tagged_only, blocks, n))
            self.attach_attic(blocks, n[0])

    # --- a time in the past -----------------------------------------------------------------------------------------

    def set_time(self, seconds: int) -> None:
        """Ask about a time from now on, in seconds since 1970; 0: about the present. Rows found before stay valid."""
        self.time = seconds
        lib.osm3s_snapshot_set_time(self.handle, seconds)

    def attach_attic(self, blocks: Any, n: int, interval: tuple[int, int] | None = None) -> None:
        """Make the superseded versions of blocks readable that were valid at the time; or, if given, those that ended
        after the one time of an interval and began up to the other."""
        if n == 0 or self.settings.level != "attic" or not (interval or self.time):
            return
        since, until = interval or (self.time, self.time)
        wanted, n_wanted, unplaced = ffi.new("uint32_t[]", n), ffi.new("size_t *"), ffi.new("size_t *")
        check(lib.osm3s_snapshot_want_attic(self.handle, blocks, n, since, wanted, n_wanted, unplaced))
        for block in ffi.unpack(wanted, unplaced[0]) if unplaced[0] else ():
            self._place_attic(block)
        at, part, frame, length = (
            ffi.new("size_t *"),
            ffi.new("uint32_t *"),
            ffi.new("uint8_t **"),
            ffi.new("uint32_t *"),
        )
        while check(
            lib.osm3s_snapshot_next_attic(self.handle, wanted, n_wanted[0], since, until, at, part, frame, length)
        ):
            data = _decompressed(frame[0], length[0], "part of an attic")
            self._attic[wanted[at[0]], part[0]] = data
            check(
                lib.osm3s_snapshot_attach_attic(self.handle, wanted[at[0]], part[0], ffi.from_buffer(data), len(data))
            )

    def changed_blocks(self, element_type: int, since: int) -> tuple[Any, int]:
        """The blocks of the elements of a type that have changed after a time, 0: ever; how many they are."""
        families = FAMILIES_OF_TYPE[element_type]
        blocks, n, total = ffi.new("uint32_t[]", sum(map(self.n_blocks, families)) + 1), ffi.new("size_t *"), 0
        for family in families:
            lib.osm3s_snapshot_changed_blocks(self.handle, family, since, blocks + total, n)
            total += n[0]
        return blocks, total

    def blocks_of_ids(self, ids: Any, element_type: int) -> tuple[Any, int]:
        """All blocks that may hold versions of elements (sorted rows); how many they are."""
        noted, links = ElementSet(), ElementSet()
        rows, of_history = noted.rows(element_type), links.rows(element_type)
        check(lib.osm3s_rows_copy(ids, rows))
        self._note_blocks(rows, element_type)
        self._links(rows, index_keys.HISTORY_BLOCKS + element_type, lib.osm3s_link_page_blocks, of_history)
        blocks, n = self._room_for_blocks()
        check(lib.osm3s_rows_blocks_at(self.handle, element_type, rows, of_history, blocks, n))
        return blocks, n[0]

    def forget_attic(self, block: int) -> None:
        """Give back the memory of one block's attic; no rows that refer to it may be left."""
        lib.osm3s_snapshot_detach_attic(self.handle, block)
        for kept, first in ((self._attic, 0), (self._meta, lib.OSM3S_FIRST_ATTIC_PART)):
            for key in [key for key in kept if key[0] == block and key[1] >= first]:
                del kept[key]

    def _place_attic(self, block: int) -> None:
        entry = lib.osm3s_snapshot_entry(self.handle, block)
        stored = self._txn.get(index_keys.attic(self._type_of_block(block), entry.id))
        if stored is None:
            raise CorruptError(f"block {entry.id} has an attic, but the index does not say where")
        check(lib.osm3s_snapshot_place_attic(self.handle, block, ffi.from_buffer(stored), len(stored)))

    def _type_of_block(self, block: int) -> int:
        family = next(f for f in (3, 2, 1, 0) if lib.osm3s_snapshot_first_block(self.handle, f) <= block)
        return max(0, family - 1)

    def _locate_at(self, rows: Any, element_type: int, or_later: bool) -> None:
        """Rows with noted blocks -> the versions of the time. Most have not changed since: only the others are looked
        for in the blocks that their superseded versions may be in."""
        links, found, missing = ElementSet(), ElementSet(), ElementSet()
        nothing = ElementSet()
        none, result, rest = nothing.rows(element_type), found.rows(element_type), missing.rows(element_type)
        blocks, n = self._room_for_blocks()
        check(lib.osm3s_rows_blocks_at(self.handle, element_type, rows, none, blocks, n))
        self.attach_attic(blocks, n[0])
        check(lib.osm3s_rows_locate_at(self.handle, element_type, rows, none, result, rest))
        if rest.n:
            of_history = links.rows(element_type)
            self._links(rest, index_keys.HISTORY_BLOCKS + element_type, lib.osm3s_link_page_blocks, of_history)
            check(lib.osm3s_rows_blocks_at(self.handle, element_type, none, of_history, blocks, n))
            self.attach_attic(blocks, n[0])
            absent = ElementSet()
            later = absent.rows(element_type) if or_later else ffi.NULL
            check(lib.osm3s_rows_locate_at(self.handle, element_type, rest, of_history, result, later))
            if or_later and later.n:
                check(lib.osm3s_rows_blocks_at(self.handle, element_type, later, of_history, blocks, n))
                self.attach_attic(blocks, n[0], EVER)
                check(lib.osm3s_rows_locate_first(self.handle, element_type, later, of_history, result))
            check(lib.osm3s_rows_sort(result))
        rows.n = 0
        check(lib.osm3s_rows_take(rows, result))

    def _room_for_blocks(self) -> tuple[Any, Any]:
        n_blocks = sum(self.n_blocks(family) for family in FAMILIES)
        return ffi.new("uint32_t[]", n_blocks + 1), ffi.new("size_t *")

    def n_blocks(self, family: int) -> int:
        n: int = lib.osm3s_snapshot_n_blocks(self.handle, family)
        return n

    # --- metadata ---------------------------------------------------------------------------------------------------

    def attach_meta(self, blocks: Any, n: int) -> None:
        """Decompress the meta frames of blocks (`uint32_t *`), so that the core can read them."""
        self._attach_meta(blocks, n, 0)

    def attach_attic_meta(self, block: int) -> None:
        """Of the parts of a block's attic that are attached."""
        self._attach_meta(ffi.new("uint32_t *", block), 1, lib.OSM3S_FIRST_ATTIC_PART)

    def _attach_meta(self, blocks: Any, n: int, first: int) -> None:
        """Of the first block from a part on."""
        at, part = ffi.new("size_t *"), ffi.new("uint32_t *", first)
        frame, length = ffi.new("uint8_t **"), ffi.new("uint32_t *")
        while check(lib.osm3s_snapshot_next_meta(self.handle, blocks, n, at, part, frame, length)):
            self._attach_meta_frame(blocks[at[0]], part[0], frame[0], length[0])

    def _attach_meta_frame(self, block: int, part: int, frame: Any, length: int) -> None:
        data = _decompressed(frame, length, "meta frame")
        self._meta[block, part] = data
        of_attic = part - lib.OSM3S_FIRST_ATTIC_PART
        if of_attic < 0:
            check(lib.osm3s_snapshot_attach_meta(self.handle, block, part, ffi.from_buffer(data), len(data)))
        else:
            check(lib.osm3s_snapshot_attach_attic_meta(self.handle, block, of_attic, ffi.from_buffer(data), len(data)))

    def attach_meta_of(self, rows: Any) -> None:
        """Attach the metadata of resolved rows: of a block only the parts that they are in."""
        if not self.has_meta:
            return
        at, part = ffi.new("size_t *"), ffi.new("uint32_t *")
        frame, length = ffi.new("uint8_t **"), ffi.new("uint32_t *")
        while check(lib.osm3s_rows_next_meta(self.handle, rows, at, part, frame, length)):
            self._attach_meta_frame(rows.rows[at[0]].block, part[0], frame[0], length[0])

    def user_names(self, set_: ElementSet) -> dict[int, str]:
        """The names of the users of a set's elements; their metadata must be attached."""
        names: dict[int, str] = {}
        for element_type in range(3):
            rows = set_.rows(element_type)
            uids, n = ffi.new("int32_t[]", rows.n + 1), ffi.new("size_t *")
            check(lib.osm3s_rows_uids(self.handle, rows, uids, n))
            for i in range(n[0]):
                name = self.user_name(uids[i])
                if name is not None:
                    names[uids[i]] = name
        return names

    def user_name(self, uid: int) -> str | None:
        name = self._txn.get(index_keys.user(uid))
        return None if name is None else bytes(name).decode("utf-8", "surrogateescape")

    def uids_of_names(self, names: set[str]) -> list[int]:
        """All users that have one of the names now."""
        wanted = {name.encode("utf-8", "surrogateescape") for name in names}
        cursor = self._txn.cursor()
        uids = []
        more = cursor.set_range(index_keys.USERS)
        while more and bytes(cursor.key()[:1]) == index_keys.USERS:
            if bytes(cursor.value()) in wanted:
                uid = int.from_bytes(bytes(cursor.key()[-4:]), "big")
                uids.append(uid - (1 << 32) if uid >> 31 else uid)
            more = cursor.next()
        return uids


def _decompressed(frame: Any, length: int, what: str) -> bytes:
    try:
        return decompress_meta(ffi.buffer(frame, length))
    except zstandard.ZstdError as error:
        raise CorruptError(f"a {what} does not decompress: {error}") from None


def open_snapshot(db_dir: str) -> Snapshot:
    """Open the newest version of a database. No process may fork while it has one open."""
    return Snapshot(DatabaseDir(db_dir))
