"""Where the superseded versions of a block are: the entries `A` of the index. Layout of a part: `osm3s_attic_part`.

The attic of a block has several parts, each a block with times in one zstd frame of attic.bin. Most are small; new
versions are merged with the last ones, so that their number stays logarithmic.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

_PART = Struct("<QQ IIIII III")
PART_BYTES = _PART.size
SMALL_PART_BYTES = 1024
"""Parts up to this size are always merged."""


class AtticPart(NamedTuple):
    """Offset in attic.bin, checksum and length of the stored frame; elements; lengths of what it decompresses to; when
    the first version began and the last one ended."""

    offset: int
    sum: int
    len: int
    n: int
    head_len: int
    body_len: int
    meta_len: int
    oldest: int
    newest: int
    reserved: int = 0

    def pack(self) -> bytes:
        return _PART.pack(*self)


def unpack_parts(entry: bytes | memoryview) -> list[AtticPart]:
    return [AtticPart._make(part) for part in _PART.iter_unpack(entry)]


def first_to_merge(parts: list[AtticPart], more_bytes: int) -> int:
    """From which part on the parts are to be made anew together with so many bytes of new versions."""
    at, total = len(parts), more_bytes
    while at and parts[at - 1].len <= max(2 * total, SMALL_PART_BYTES):
        at -= 1
        total += parts[at].len
    return at
