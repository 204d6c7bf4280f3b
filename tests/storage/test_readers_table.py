"""LMDB's table of readers: whoever stands in it keeps what he reads, so it must outlive every failure."""

from __future__ import annotations

import os
from errno import ENOSPC
from pathlib import Path

import pytest

from osm3s.errors import StorageError
from osm3s.paths import readers_table
from osm3s.storage.index import allocate_readers_table


@pytest.mark.parametrize("is_there", [True, False])
def test_a_full_disk_takes_no_table_that_was_there(
    tmp_path: Path, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Path(readers_table(str(tmp_path / "index")))
    if is_there:
        table.write_bytes(b"readers")

    def full(*_: int) -> None:
        raise OSError(ENOSPC, os.strerror(ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageError, match=os.strerror(ENOSPC)):
        allocate_readers_table(str(tmp_path / "index"))
    assert table.exists() == is_there
