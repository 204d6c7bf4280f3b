"""Applies changed elements to a filled database: the core computes, the index is asked and edited here.

Order of the steps: native/interface/update.h.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from osm3s.ffi import check, ffi, lib
from osm3s.ffi.batch import Batch
from osm3s.storage import changelog, index_keys, version_times
from osm3s.storage.block_files import decompress_meta
from osm3s.storage.settings import LEVELS
from osm3s.storage.write_transaction import WriteTransaction
from osm3s.update.write_blocks import ChangedBlocks

NODE, WAY, RELATION = 0, 1, 2


class ElementUpdate:
    """One update in the core, and the answers to its questions from the index."""

    def __init__(self, txn: WriteTransaction, with_positions: bool = False) -> None:
        """`with_positions`: the refs of ways are no node ids but positions, as in batches of areas."""
        self._txn = txn
        settings = txn.settings
        level = LEVELS.index(settings.level)
        self._with_meta, self._with_history = level > 0, level > 1
        native = lib.osm3s_update_new(txn.snapshot, level, settings.next_block_id, settings.next_serial)
        if native == ffi.NULL:
            check(lib.OSM3S_NOMEM)
        self._native: Any = ffi.gc(native, lib.osm3s_update_free)
        if with_positions:
            lib.osm3s_update_with_positions(native)
        self._frames: list[bytes] = []
        self.n_large_deltas = 0
        """How many of the deltas written are so large that their block should be made anew."""
        self._key, self._value = ffi.new("osm3s_bytes *"), ffi.new("osm3s_bytes *")

    # --- the old and the new state ----------------------------------------------------------------------------------

    def apply(self, batches: Sequence[Batch]) -> None:
        """Compute what changes. Raises CorruptError, MemoryError's kin; nothing is written yet."""
        native = self._native
        for batch in batches:
            check(lib.osm3s_update_add(native, batch.c))
        check(lib.osm3s_update_begin(native))
        for element_type in (NODE, WAY, RELATION):
            self._answer_pages(element_type)
            check(lib.osm3s_update_locate(native, element_type))
            if self._with_history:
                self._answer_owners(index_keys.HISTORY_BLOCKS + element_type)
                check(lib.osm3s_update_note_known(native, element_type))
        if self._with_history:
            self._attach_meta()
        check(lib.osm3s_update_nodes(native))
        self._answer_owners(index_keys.ABSENT_NODE)
        check(lib.osm3s_update_ask_for_owners(native, WAY))
        self._answer_pages(WAY)
        check(lib.osm3s_update_find_ways(native))
        self._answer_pages(NODE)
        self._attach_meta()
        check(lib.osm3s_update_ways(native))
        self._answer_owners(NODE)
        self._answer_owners(WAY)
        check(lib.osm3s_update_ask_for_owners(native, RELATION))
        self._answer_pages(RELATION)
        check(lib.osm3s_update_find_relations(native))
        self._answer_pages(NODE)
        self._answer_pages(WAY)
        self._attach_meta()
        check(lib.osm3s_update_relations(native))

    def rewrite_due(self, most: int) -> int:
        """Make at most so many blocks anew whose deltas have grown too large; return how many there are."""
        n: int = lib.osm3s_update_rewrite_due(self._native, most)
        return n

    def _answer_pages(self, element_type: int) -> None:
        native, get, page_number = self._native, self._txn.get, ffi.new("uint64_t *")
        asks, answer, from_buffer = lib.osm3s_update_asks_page, lib.osm3s_update_answer_page, ffi.from_buffer
        while asks(native, element_type, page_number):
            page = get(index_keys.id_page(element_type, page_number[0]))
            if page is None:
                check(answer(native, element_type, ffi.NULL, 0))
            else:
                check(answer(native, element_type, from_buffer(page), len(page)))

    def _answer_owners(self, kind: int) -> None:
        native, member, prefix = self._native, ffi.new("uint64_t *"), index_keys.link_prefix(kind)
        cursor = self._txn.txn.cursor()
        while lib.osm3s_update_asks_owners(native, kind, member):
            found = cursor.set_range(index_keys.link_page(kind, member[0]))
            if found and bytes(cursor.key()[:2]) == prefix:
                page = cursor.value()
                check(lib.osm3s_update_answer_owners(native, kind, ffi.from_buffer(page), len(page)))
            else:
                check(lib.osm3s_update_answer_owners(native, kind, ffi.NULL, 0))

    def _attach_meta(self) -> None:
        if not self._with_meta:
            return
        block, delta = ffi.new("uint32_t *"), ffi.new("int *")
        frame, length = ffi.new("uint8_t **"), ffi.new("uint32_t *")
        snapshot = self._txn.snapshot
        while check(lib.osm3s_update_asks_meta(self._native, block, delta, frame, length)):
            data = decompress_meta(ffi.buffer(frame[0], length[0]))
            self._frames.append(data)
            check(lib.osm3s_snapshot_attach_meta(snapshot, block[0], delta[0], ffi.from_buffer(data), len(data)))

    # --- writing ----------------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Write the blocks and the changed pages of the index into the transaction."""
        check(lib.osm3s_update_plan(self._native))
        self._attach_meta()
        blocks = ChangedBlocks(self._txn, self._native)
        blocks.write()
        self.n_large_deltas = blocks.n_large_deltas
        check(lib.osm3s_update_seal(self._native))
        self._edit_ids()
        self._edit_links()
        self._edit_tags()
        if self._with_meta:
            self._put_users()
        self._put_numbers()

    def put_changelog(self) -> None:
        """The rows of the changelog, under the number of the coming commit."""
        rows = ffi.new("osm3s_changed[]", max(1, lib.osm3s_update_n_changed(self._native)))
        n = lib.osm3s_update_changed(self._native, rows)
        txn, commit = self._txn, self._txn.base_commit + 1
        data = ffi.buffer(rows, n * ffi.sizeof("osm3s_changed"))
        txn.put(index_keys.changelog(commit), changelog.pack(txn.settings.timestamp, data))
        first, last = ffi.new("uint32_t *"), ffi.new("uint32_t *")
        if lib.osm3s_update_begun(self._native, first, last):
            before = version_times.newest_before(txn.txn)
            if before is None:  # what has come so far was imported
                before = lib.osm3s_snapshot_newest(txn.snapshot)
            times = version_times.VersionTimes(first[0], last[0], before)
            txn.put(index_keys.version_times(commit), times.pack())

    # --- the pages of the index -------------------------------------------------------------------------------------

    def _replace_page(self, old_key: bytes | None) -> None:
        """Put the pages that come out of an edit in place of the one that went in."""
        txn, key, value = self._txn, self._key, self._value
        if old_key is not None:
            txn.delete(old_key)
        while lib.osm3s_update_next_page(self._native, key, value):
            txn.put(bytes(ffi.buffer(key.data, key.len)), bytes(ffi.buffer(value.data, value.len)))

    def _edit_ids(self) -> None:
        element_type, page_number = ffi.new("int *"), ffi.new("uint64_t *")
        while lib.osm3s_update_edits_ids(self._native, element_type, page_number):
            key = index_keys.id_page(element_type[0], page_number[0])
            page = self._txn.get(key)
            check(lib.osm3s_update_edit_ids(self._native, *_buffer(page)))
            self._replace_page(key if page is not None else None)

    def _edit_links(self) -> None:
        kind, member = ffi.new("int *"), ffi.new("uint64_t *")
        cursor = self._txn.txn.cursor()
        while lib.osm3s_update_edits_links(self._native, kind, member):
            prefix = index_keys.link_prefix(kind[0])
            key = _seek(cursor, index_keys.link_page(kind[0], member[0]), prefix) or _seek_last(cursor, prefix)
            page = cursor.value() if key is not None else None
            is_last = key is None or _step(cursor, prefix) is None
            check(lib.osm3s_update_edit_links(self._native, *_buffer(page), is_last))
            self._replace_page(key)

    def _edit_tags(self) -> None:
        family, entry = ffi.new("int *"), ffi.new("osm3s_bytes *")
        cursor = self._txn.txn.cursor()
        while lib.osm3s_update_edits_tags(self._native, family, entry):
            prefix = index_keys.tag_prefix(family[0])
            wanted = index_keys.tag_search(family[0], bytes(ffi.buffer(entry.data, entry.len)))
            key = _seek(cursor, wanted, prefix) or _seek_last(cursor, prefix)
            while True:
                page = cursor.value() if key is not None else None
                serial = key[-4:] if key is not None else ffi.NULL
                next_key = _step(cursor, prefix) if key is not None else None
                if check(lib.osm3s_update_edit_tags(self._native, *_buffer(page), serial, next_key is None)):
                    break
                key = next_key
            self._replace_page(key)

    def _put_users(self) -> None:
        uid, name = ffi.new("int32_t *"), self._value
        while lib.osm3s_update_next_user(self._native, uid, name):
            key, text = index_keys.user(uid[0]), bytes(ffi.buffer(name.data, name.len))
            if self._txn.get(key) != text:
                self._txn.put(key, text)

    def _put_numbers(self) -> None:
        next_ids, serial = ffi.new("uint32_t[3]"), ffi.new("uint32_t *")
        elements = ffi.new("int64_t[3]")
        lib.osm3s_update_numbers(self._native, next_ids, serial, elements)
        settings = self._txn.settings
        settings.next_block_id = list(next_ids)
        settings.next_serial = serial[0]
        settings.n_elements = [n + more for n, more in zip(settings.n_elements, elements, strict=True)]


def _buffer(page: Any) -> tuple[Any, int]:
    return (ffi.NULL, 0) if page is None else (ffi.from_buffer(page), len(page))


def _seek(cursor: Any, wanted: bytes, prefix: bytes) -> bytes | None:
    """The first key from `wanted` on that has the prefix."""
    if not cursor.set_range(wanted):
        return None
    key = bytes(cursor.key())
    return key if key.startswith(prefix) else None


def _step(cursor: Any, prefix: bytes) -> bytes | None:
    key = bytes(cursor.key()) if cursor.next() else b""
    return key if key.startswith(prefix) else None


def _seek_last(cursor: Any, prefix: bytes) -> bytes | None:
    """The last key that has the prefix."""
    behind = prefix[:-1] + bytes([prefix[-1] + 1])
    found = cursor.prev() if cursor.set_range(behind) else cursor.last()
    key = bytes(cursor.key()) if found else b""
    return key if key.startswith(prefix) else None
