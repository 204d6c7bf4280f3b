"""The changelog: which elements a commit has changed, and where they were and are.

Under the key `C` commit(8) lies zstd of:

| bytes | what |
|---|---|
| 2, then as many | length of the data timestamp, the timestamp (UTF-8) |
| 48 per element | `osm3s_changed`: id(8), old box(16), new box(16), type(1), kind(1), versions(1), 0, since(4) |

Rows are ordered by type and id. A box is south, west, north, east in 1e-7 degree, empty if south > north: the element
was or is not there, or has no known position. Kinds: see `Kind`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

import zstandard

_ROW = Struct("<Q 4i 4i BBBxI")
_compressor = zstandard.ZstdCompressor(level=1)
_decompressor = zstandard.ZstdDecompressor()


class Kind(IntEnum):
    CREATED = 1
    MODIFIED = 2
    DELETED = 3
    IMPLICIT = 4
    """The element is as it was, but something it consists of has moved."""


class ChangedElement(NamedTuple):
    type: int
    id: int
    kind: Kind
    old_box: tuple[int, int, int, int] | None
    new_box: tuple[int, int, int, int] | None
    versions: int
    """Level attic: so many versions of it began with the commit, 2: or more; the last one `since`."""
    since: int


def pack(timestamp: str, changed: bytes | memoryview) -> bytes:
    """`changed` are `osm3s_changed` as the core has made them."""
    text = timestamp.encode("utf-8", "surrogateescape")[:65535]
    packed: bytes = _compressor.compress(len(text).to_bytes(2, "little") + text + changed)
    return packed


def timestamp_of(value: bytes | memoryview) -> str:
    """The data timestamp of the commit."""
    with zstandard.ZstdDecompressor().stream_reader(value) as reader:
        return reader.read(int.from_bytes(reader.read(2), "little")).decode("utf-8", "surrogateescape")


def unpack(value: bytes | memoryview) -> tuple[str, Iterator[ChangedElement]]:
    """The data timestamp of the commit, and its rows."""
    data = zstandard.ZstdDecompressor().decompress(value)
    start = 2 + int.from_bytes(data[:2], "little")
    return data[2:start].decode("utf-8", "surrogateescape"), map(_row, _ROW.iter_unpack(data[start:]))


def rows(value: bytes | memoryview) -> memoryview:
    """The rows as they are stored."""
    data = _decompressor.decompress(value)
    return memoryview(data)[2 + int.from_bytes(data[:2], "little") :]


def _row(row: tuple[int, ...]) -> ChangedElement:
    old, new = row[1:5], row[5:9]
    return ChangedElement(row[9], row[0], Kind(row[10]), _box(old), _box(new), row[11], row[12])


def _box(box: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    south, west, north, east = box
    return (south, west, north, east) if south <= north else None
