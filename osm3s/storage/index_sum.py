"""A checksum over the whole index, which each commit brings up to date at the price of the entries that it changes.

It is the sum, modulo 2^64, of the checksums of all entries but its own, so neither their order nor the way in which the
index came to be makes a difference. LMDB itself keeps no checksums; what blocks hold has those of their frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osm3s.storage import index_keys
from osm3s.storage.block_files import checksum

KEY = index_keys.setting("index_sum")
BYTES = 8


def of_entry(key: bytes, value: Any) -> int:
    """value: anything with the buffer protocol."""
    return checksum(b"".join((len(key).to_bytes(2, "little"), key, value)))


def pack(total: int) -> bytes:
    return (total % (1 << 8 * BYTES)).to_bytes(BYTES, "little")


def put_whole(txn: Any) -> None:
    """State the sum of all entries there are, in an LMDB transaction that may write."""
    txn.put(KEY, pack(sum(of_entry(bytes(key), value) for key, value in txn.cursor() if key != KEY)))


def put_changed(txn: Any, changes: Mapping[bytes, bytes | None]) -> None:
    """Bring the sum up to date, before the changes (None: the entry goes) are made; unless there is none."""
    stated = txn.get(KEY)
    if stated is None:
        return
    total = int.from_bytes(stated, "little")
    for key, value in changes.items():
        before = txn.get(key)
        if before is not None:
            total -= of_entry(key, before)
        if value is not None:
            total += of_entry(key, value)
    txn.put(KEY, pack(total))
