"""The entries of the index as lines of text: for tools, not for queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import msgpack

from osm3s.errors import CorruptError
from osm3s.ffi import check, ffi, lib
from osm3s.storage import changelog, index_keys, index_sum
from osm3s.storage.attic import unpack_parts
from osm3s.storage.directory import unpack_page
from osm3s.storage.snapshot import Snapshot
from osm3s.storage.tag_directory import decode
from osm3s.storage.version_times import VersionTimes

FAMILIES = ("nodes", "tagged_nodes", "ways", "relations")
TAG_FAMILIES = (*FAMILIES, *(f"attic of {name}" for name in FAMILIES))
TYPES = ("node", "way", "relation")
LINKS = (
    *("relations with node", "relations with way", "relations with relation", "ways with absent node"),
    *("blocks with versions of node", "blocks with versions of way", "blocks with versions of relation"),
    *("former relations with node", "former relations with way", "former relations with relation"),
)

Entries = Iterator[tuple[bytes, Any]]


def _directory(entries: Entries) -> Iterator[str]:
    for key, page in entries:
        yield f"directory page {key[1:].hex()} {FAMILIES[key[1]]}"
        for e in unpack_page(page):
            delta = f" delta {e.n_delta} elements, {e.n_dead} dead, {e.delta_bytes} bytes at {e.delta_offset}"
            yield (
                f"  block {e.id} key {e.order_key:#018x} {e.n} elements, {e.base_bytes} bytes at {e.base_offset}"
                f" box {e.south} {e.west} {e.north} {e.east} newest {e.newest}{delta if e.delta_bytes else ''}"
            )


def _ids(entries: Entries) -> Iterator[str]:
    size = 1 << index_keys.ID_PAGE_BITS
    block_ids = ffi.new("uint32_t[]", size)
    for key, page in entries:
        number = int.from_bytes(key[2:], "big")
        first = number * size
        ids = ffi.new("uint64_t[]", list(range(first, first + size)))
        check(lib.osm3s_id_page_lookup(ffi.from_buffer(page), len(page), number, ids, size, block_ids))
        yield f"id page {TYPES[key[1]]} {first} ... {first + size - 1}, {len(page)} bytes"
        at = first
        for block, run in groupby(block_ids):
            end = at + len(list(run))
            if block != lib.OSM3S_UNRESOLVED:
                yield f"  {at}{f' ... {end - 1}' if end - at > 1 else ''}: block {block}"
            at = end


def _links(entries: Entries) -> Iterator[str]:
    for key, page in entries:
        yield f"link page {LINKS[key[1]]}, up to {int.from_bytes(key[2:], 'big')}"
        for member, links in groupby(read_links(bytes(page)), lambda link: link[0]):
            yield f"  {member}: {' '.join(str(owner) for _, owner in links)}"


def read_links(page: bytes) -> Iterator[tuple[int, int]]:
    """Member and owner of every link of a page. Raises CorruptError."""
    numbers = iter(_varints(page[4:]))
    member = owner = 0
    for i in range(int.from_bytes(page[:4], "little")):
        step, value = next(numbers, None), next(numbers, None)
        if step is None or value is None:
            raise CorruptError("a page of links is damaged")
        member += step
        owner = owner + value if i and step == 0 else value
        yield member, owner


def _varints(data: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def _tags(entries: Entries) -> Iterator[str]:
    key, value, at = ffi.new("osm3s_bytes *"), ffi.new("osm3s_bytes *"), ffi.new("size_t *")
    for name, page in entries:
        yield f"tag page {TAG_FAMILIES[name[1]]} number {int.from_bytes(name[-4:], 'big')}, {len(page)} bytes"
        at[0] = 0
        while check(lib.osm3s_tag_page_next(ffi.from_buffer(page), len(page), at, key, value)):
            blocks = decode(ffi.buffer(value.data, value.len))
            counts = " ".join(f"{blocks.block_ids[i]}:{blocks.counts[i]}" for i in range(blocks.n))
            entry = bytes(ffi.buffer(key.data, key.len)).decode("utf-8", "replace")
            tag, one, tag_value = entry.partition("\1")
            yield f"  {f'{tag!r}={tag_value!r}' if one else repr(entry.removesuffix(chr(0)))}: blocks {counts}"


def _users(entries: Entries) -> Iterator[str]:
    for key, name in entries:
        uid = int.from_bytes(key[-4:], "big")
        yield f"user {uid - (1 << 32) if uid >> 31 else uid} {bytes(name).decode('utf-8', 'replace')!r}"


def _settings(entries: Entries) -> Iterator[str]:
    for key, value in entries:
        name = key[1:].decode("utf-8", "replace")
        raw = bytes(value)
        if key == index_sum.KEY:
            yield f"setting {name}: {int.from_bytes(raw, 'little'):#018x}"
        else:
            yield f"setting {name}: {int.from_bytes(raw, 'big') if name == 'last_merge' else msgpack.unpackb(raw)}"


def _changelog(entries: Entries) -> Iterator[str]:
    for key, value in entries:
        timestamp, rows = changelog.unpack(bytes(value))
        yield f"commit {int.from_bytes(key[1:], 'big')}, data of {timestamp or 'unknown time'}"
        for row in rows:
            yield f"  {row.kind.name.lower()} {TYPES[row.type]} {row.id} box {row.old_box} -> {row.new_box}"


def _version_times(entries: Entries) -> Iterator[str]:
    for key, value in entries:
        first, last, before = VersionTimes.unpack(value)
        yield f"versions of commit {int.from_bytes(key[1:], 'big')} began from {first} to {last}, others up to {before}"


def _attic(entries: Entries) -> Iterator[str]:
    for key, parts in entries:
        yield f"attic of block {int.from_bytes(key[2:], 'big')} with {TYPES[key[1]]}s"
        for part in unpack_parts(bytes(parts)):
            times = f"from {part.oldest} to {part.newest}"
            yield f"  {part.n} superseded versions {times}, {part.len} bytes at {part.offset}"


KINDS: dict[str, tuple[bytes, Callable[[Entries], Iterator[str]]]] = {
    "directory": (index_keys.DIRECTORY, _directory),
    "attic": (index_keys.ATTIC, _attic),
    "ids": (index_keys.ID_MAP, _ids),
    "links": (index_keys.LINKS, _links),
    "tags": (index_keys.TAGS, _tags),
    "users": (index_keys.USERS, _users),
    "settings": (index_keys.SETTINGS, _settings),
    "changelog": (index_keys.CHANGELOG, _changelog),
    "times": (index_keys.VERSION_TIMES, _version_times),
}


def index_lines(snapshot: Snapshot, kind: str, prefix: bytes = b"") -> Iterator[str]:
    """All entries of a kind, or those whose keys start with `prefix`, which must begin with the kind's letter."""
    letter, lines = KINDS[kind]
    return lines(snapshot.entries(prefix or letter))
