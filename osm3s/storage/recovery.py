"""What an interrupted writer has left: made whole or undone. Idempotent, and safe to be interrupted itself."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress

from osm3s import failpoint
from osm3s.paths import OSM_BASE, DatabaseDir
from osm3s.storage.commit import merge
from osm3s.storage.index import open_for_reading, open_for_writing, read_settings
from osm3s.storage.mirrors import write_mirrors
from osm3s.storage.shadow import read_shadow, remove_shadow

CLEAN, ROLLED_BACK, ROLLED_FORWARD = "clean", "rolled_back", "rolled_forward"


def open_writer_lock(db: DatabaseDir) -> int:
    """A descriptor of what a writer of this domain holds locked. Raises OSError."""
    if db.domain == OSM_BASE:
        return os.open(db.writer_lock, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return os.open(db.writer_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)


def recover(db_dir: str, domain: str = OSM_BASE) -> str:
    """CLEAN: there was nothing to do, ROLLED_BACK: an incomplete change was discarded, ROLLED_FORWARD: one was merged.

    Nothing happens while another process has the directory locked: it is alive and ends its change itself.
    """
    db = DatabaseDir(db_dir, domain)
    descriptor = open_writer_lock(db)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return recover_locked(db)
    except BlockingIOError:
        return CLEAN
    finally:
        os.close(descriptor)


def recover_locked(db: DatabaseDir) -> str:
    """As `recover`, for a process that has the writer's lock."""
    left_import, filled = os.path.isdir(db.import_dir), os.path.exists(db.index)
    if left_import:
        if filled:  # it was killed after the database had appeared, perhaps before the mirrors were written
            write_mirrors(db, *current_version(db.root, db.domain)[1:])
        import shutil  # now: it is seldom needed, and slow to load

        for name in () if filled else db.block_files:  # it was killed while its files appeared, the index last
            with suppress(FileNotFoundError):
                os.unlink(db.file(name))
        shutil.rmtree(db.import_dir, ignore_errors=True)
    shadow = read_shadow(db) if filled else None
    if shadow is None:
        return ROLLED_BACK if remove_shadow(db) or left_import else CLEAN
    env = open_for_writing(db.index, sum(len(value or b"") for value in shadow.changes.values()))
    try:
        with env.begin() as txn:
            settings = read_settings(txn)
        merged = settings.commit == shadow.base_commit
        if merged:
            merge(env, db, shadow.changes)
            with env.begin() as txn:
                settings = read_settings(txn)
    finally:
        env.close()
    failpoint.reached("recovery_after_merge")
    write_mirrors(db, settings.timestamp, settings.replicate_id)
    failpoint.reached("recovery_after_mirrors")
    remove_shadow(db)  # the last step, as of a commit
    return ROLLED_FORWARD if merged else CLEAN


def current_version(db_dir: str, domain: str = OSM_BASE) -> tuple[int, str, str]:
    """Number of the LMDB transaction, data timestamp and replication id of what is in the index; 0 if it is empty."""
    db = DatabaseDir(db_dir, domain)
    if not os.path.exists(db.index):
        return 0, "", ""
    env = open_for_reading(db)
    try:
        with env.begin() as txn:
            settings = read_settings(txn)
            return txn.id(), settings.timestamp, settings.replicate_id
    finally:
        env.close()
