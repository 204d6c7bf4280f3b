"""The database that a feed is applied to: where it stands, and how a row of diffs gets in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import lmdb

from osm3s.errors import StorageError
from osm3s.paths import DatabaseDir
from osm3s.replication.diff import Diff
from osm3s.replication.errors import Moved
from osm3s.storage.index import open_for_reading, read_settings
from osm3s.storage.recovery import recover_locked
from osm3s.storage.settings import DatabaseSettings
from osm3s.update.compact import compact_after_commit
from osm3s.update.permission import writing
from osm3s.update.update_files import DataVersion, commit_changes


class Position(NamedTuple):
    """Where in which feed a database stands, as its settings say."""

    replicate_id: str
    replication_url: str
    timestamp: str
    level: str

    @property
    def sequence(self) -> int | None:
        """Number of the last diff that is in the data, if it is known."""
        return as_sequence(self.replicate_id)


class Target:
    """`db_dir` is that of a filled database; its dispatcher is asked for permission, if one runs.

    `derive` is called with it after every batch: it brings what is made from the map up to date.
    """

    def __init__(self, db_dir: str, derive: Callable[[str], None] = lambda root: None) -> None:
        self.db = DatabaseDir(db_dir)
        self._derive = derive

    def position(self) -> Position:
        """Raises StorageError."""
        with _index_errors(self.db):
            env = open_for_reading(self.db)
            try:
                with env.begin() as txn:
                    return _position(read_settings(txn))
            finally:
                env.close()

    def noted_sequence(self) -> int | None:
        """The last diff in the data; of a database that does not know, what a person has written into replicate_id."""
        known = self.position().sequence
        if known is not None:
            return known
        try:
            with open(self.db.replicate_id, encoding="ascii", errors="replace") as file:
                return as_sequence(file.read(64))
        except OSError:
            return None

    def apply(self, diffs: Sequence[Diff], base: Position, version: DataVersion) -> None:
        """Apply diffs in one transaction, data, timestamp, number and URL together.

        Raises Moved if the database does not stand at `base` any more; StorageError, DispatcherError,
        ContextError. Nothing is changed then.
        """

        def check(settings: DatabaseSettings) -> None:
            found = _position(settings)
            if found != base:
                raise Moved(
                    f"{self.db.root}: another process has brought the data from "
                    f"{base.replicate_id or base.timestamp or '?'} to {found.replicate_id or found.timestamp or '?'}"
                )

        batches = [batch for diff in diffs for batch in diff.batches]
        with _index_errors(self.db):
            with writing(self.db.root, version.timestamp or "") as permission:
                recover_locked(permission.db)
                n_large_deltas = commit_changes(permission, batches, version, check)
            if n_large_deltas:
                compact_after_commit(self.db.root)
        self._derive(self.db.root)


def as_sequence(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() else None


@contextmanager
def _index_errors(db: DatabaseDir) -> Iterator[None]:
    try:
        yield
    except (lmdb.Error, OSError) as error:
        raise StorageError(f"{db.root}: {error}") from None


def _position(settings: DatabaseSettings) -> Position:
    return Position(settings.replicate_id, settings.replication_url, settings.timestamp, settings.level)
