"""An index as a file, looked at before LMDB maps it.

LMDB trusts what stands in its pages: who reads a page that the file does not have any more is ended by SIGBUS, and an
empty file that is opened for writing becomes an index without entries. Format: `MDB_page`, `MDB_meta`, `MDB_node` of
lmdb 0.9, little-endian.
"""

from __future__ import annotations

import os
from struct import Struct, unpack_from

from osm3s.errors import CorruptError, StorageError
from osm3s.paths import AREAS, DatabaseDir

MAGIC = 0xBEEFC0DE
PAGE_HEAD_BYTES = 16
NODE_HEAD_BYTES = 8
NO_PAGE = (1 << 64) - 1
PAGE_SIZES_BYTES = [1 << bits for bits in range(9, 17)]
BRANCH, LEAF = 1, 2
BIG_DATA = 1
"""Flag of an entry whose value has pages of its own."""

_PAGE = Struct("<Q2xHH")
"""Number, flags, where the offsets of its nodes end."""
_META = Struct("<II16xI36x Q40xQ QQ")
"""Magic, version, page size, root of the free pages, root of the entries, last page, transaction."""


def check_index_file(path: str) -> None:
    """Raises CorruptError if the file is no index or shorter than it says, StorageError if it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None
    try:
        _check(path, descriptor)
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)


def damaged(path: str, what: str) -> CorruptError:
    """The error of a damaged index, with what to do about it."""
    if os.path.basename(path) == os.path.basename(DatabaseDir("", AREAS).index):
        remedy = "remove it, and the areas are made anew"
    else:
        remedy = "restore the database from a copy, or import again into an empty directory"
    return CorruptError(f"{path}: damaged: {what}; {remedy}")


def _check(path: str, descriptor: int) -> None:
    head = os.pread(descriptor, PAGE_HEAD_BYTES + _META.size, 0)
    if not head:
        raise damaged(path, "the file is empty")
    if len(head) < PAGE_HEAD_BYTES + _META.size:
        raise damaged(path, f"the file is truncated, it has {len(head)} bytes")
    magic, _, page_bytes, *_ = _META.unpack_from(head, PAGE_HEAD_BYTES)
    if magic != MAGIC or page_bytes not in PAGE_SIZES_BYTES:
        raise damaged(path, "it is not an index")
    second = os.pread(descriptor, _META.size, page_bytes + PAGE_HEAD_BYTES)
    size = os.fstat(descriptor).st_size
    if len(second) < _META.size:
        raise _cut(path, size, 2 * page_bytes)
    metas = [_META.unpack_from(head, PAGE_HEAD_BYTES), _META.unpack(second)]
    *_, free, entries, last_page, _ = max(metas, key=lambda meta: meta[6])
    needed = (last_page + 1) * page_bytes
    # pages at the end that a transaction has taken and given back were perhaps never written
    if size < needed and not all(_is_whole(descriptor, size, page_bytes, root) for root in (free, entries)):
        raise _cut(path, size, needed)


def _cut(path: str, size: int, needed: int) -> CorruptError:
    return damaged(path, f"the file is truncated, it has {size} bytes of {needed}")


def _is_whole(descriptor: int, size: int, page_bytes: int, root: int) -> bool:
    """Whether all pages of a tree are inside the file."""
    todo = [] if root == NO_PAGE else [root]
    n_left = size // page_bytes
    while todo:
        number = todo.pop()
        n_left -= 1
        if (number + 1) * page_bytes > size or n_left < 0:
            return False
        page = os.pread(descriptor, page_bytes, number * page_bytes)
        _, flags, lower = _PAGE.unpack_from(page)
        if lower > page_bytes:
            return False
        for at in range(PAGE_HEAD_BYTES, lower - 1, 2):
            node = int.from_bytes(page[at : at + 2], "little")
            if node + NODE_HEAD_BYTES > page_bytes:
                return False
            low, high, node_flags, key_len = unpack_from("<HHHH", page, node)
            if flags & BRANCH:
                todo.append(low | high << 16 | node_flags << 32)
            elif flags & LEAF and node_flags & BIG_DATA:
                value = page[node + NODE_HEAD_BYTES + key_len : node + NODE_HEAD_BYTES + key_len + 8]
                first, length = int.from_bytes(value, "little"), low | high << 16
                if first * page_bytes + PAGE_HEAD_BYTES + length > size:
                    return False
    return True
