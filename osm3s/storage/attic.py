"""Where the superseded versions of a block are: the entries `A` of the index. Layout of a part: `osm3s_attic_part`.

The attic of a block has several parts, each a block with times. Most are small; new versions are merged with the last
ones, so that their number stays logarithmic. Small parts are compressed as a whole, larger ones are read in place.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from osm3s.storage.block_files import compress_attic, compress_meta

_PART = Struct("<QQ IIIII III")
PART_BYTES = _PART.size
SMALL_PART_BYTES = 1024
"""Parts up to this size are always merged."""
PLAIN_FROM_BYTES = 1 << 14
"""Of a part of this size at least (head and body) only the metadata is compressed."""


class AtticPart(NamedTuple):
    """Offset in attic.bin, checksum and length of what is stored; elements; lengths of head, body and meta frame when
    nothing of them is compressed; when the first version began and the last one ended; 1 if head and body are not."""

    offset: int
    sum: int
    len: int
    n: int
    head_len: int
    body_len: int
    meta_len: int
    oldest: int
    newest: int
    is_plain: int = 0

    def pack(self) -> bytes:
        return _PART.pack(*self)


def unpack_parts(entry: bytes | memoryview) -> list[AtticPart]:
    return [AtticPart._make(part) for part in _PART.iter_unpack(entry)]


def stored_frame(head_and_body: bytes, meta: bytes) -> tuple[bytes, bool]:
    """The bytes of a part in attic.bin, and whether it is plain."""
    if len(head_and_body) >= PLAIN_FROM_BYTES:
        return head_and_body + compress_meta(meta), True
    return compress_attic(head_and_body + meta), False


def first_to_merge(parts: list[AtticPart], more_bytes: int) -> int:
    """From which part on the parts are to be made anew together with so many bytes of new versions."""
    at, total = len(parts), more_bytes
    while at and parts[at - 1].len <= max(2 * total, SMALL_PART_BYTES):
        at -= 1
        total += parts[at].len
    return at
