"""Ways to damage a database on purpose: bytes of the block files, entries of the index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lmdb

from osm3s.paths import DatabaseDir
from osm3s.storage import index_keys, index_sum
from osm3s.storage.directory import ENTRY_BYTES, DirectoryEntry
from osm3s.storage.settings import DatabaseSettings


def flip(path: str, offset: int) -> None:
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x10]))


class Index:
    """All entries, to be read and changed."""

    def __init__(self, root: Path) -> None:
        self.db = DatabaseDir(str(root))
        self._env = lmdb.open(self.db.index, subdir=False, map_size=1 << 28)
        with self._env.begin() as txn:
            self.entries = {bytes(key): bytes(value) for key, value in txn.cursor()}

    def put(self, key: bytes, value: bytes | None, with_sum: bool = True) -> None:
        """with_sum: as a program would that errs, not as a disk; the sum of the index is brought up to date."""
        with self._env.begin(write=True) as txn:
            if with_sum:
                index_sum.put_changed(txn, {key: value})
            if value is None:
                txn.delete(key)
            else:
                txn.put(key, value)

    def close(self) -> None:
        self._env.close()

    def first(self, prefix: bytes) -> bytes:
        """The first key of a kind."""
        return min(key for key in self.entries if key.startswith(prefix))

    def change_entries(self, family: int, change: Callable[[list[DirectoryEntry]], list[DirectoryEntry]]) -> None:
        """Rewrite the first page of the directory of a family."""
        key = self.first(index_keys.directory_prefix(family))
        page = self.entries[key]
        entries = [DirectoryEntry.unpack(page, at) for at in range(0, len(page), ENTRY_BYTES)]
        self.put(key, b"".join(entry.pack() for entry in change(entries)))

    def directory(self, family: int) -> list[DirectoryEntry]:
        prefix = index_keys.directory_prefix(family)
        return [
            DirectoryEntry.unpack(page, at)
            for key, page in sorted(self.entries.items())
            if key.startswith(prefix)
            for at in range(0, len(page), ENTRY_BYTES)
        ]

    def change_settings(self, change: Callable[[DatabaseSettings], None]) -> None:
        key = index_keys.setting("database")
        settings = DatabaseSettings.unpack(self.entries[key])
        change(settings)
        self.put(key, settings.pack())
