"""Makes a domain that has no elements yet, so that the first change of it is one like any other."""

from __future__ import annotations

import os

from osm3s import failpoint
from osm3s.errors import StorageError
from osm3s.paths import DatabaseDir
from osm3s.storage import index_keys, index_sum
from osm3s.storage.index import allocate_readers_table, open_for_writing, writing
from osm3s.storage.settings import DatabaseSettings


def create_empty(db: DatabaseDir, settings: DatabaseSettings) -> None:
    """Its index appears last, by a rename: until then there is no domain. The caller may write. Raises StorageError."""
    import shutil  # now: an update hardly ever gets here, and it is slow to load

    temporary = DatabaseDir(db.import_dir, db.domain)
    shutil.rmtree(temporary.root, ignore_errors=True)
    try:
        os.makedirs(temporary.root)
        env = open_for_writing(temporary.index)
        try:
            with writing(temporary.index):
                with env.begin(write=True) as txn:
                    txn.put(index_keys.setting("database"), settings.pack())
                    index_sum.put_whole(txn)
                env.sync(True)
        finally:
            env.close()
        for file in range(5):
            if os.path.exists(db.block_file(file)):  # of a domain that was removed: nobody opens it any more
                os.unlink(db.block_file(file))
        open(db.block_file(2), "wb").close()
        open(db.block_file(4), "wb").close()
        allocate_readers_table(db.index)
        sync_directory(db.root)
        failpoint.reached("domain_before_rename")
        os.rename(temporary.index, db.index)
        failpoint.reached("domain_after_rename")
        sync_directory(db.root)
    except OSError as error:
        raise StorageError(f"{error.filename or db.root}: {error.strerror}; nothing was changed") from None
    finally:
        shutil.rmtree(temporary.root, ignore_errors=True)


def sync_directory(path: str) -> None:
    """The names in a directory are on disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
