"""What comes behind the moment in which a change is visible is no failure of the update any more: status 0 tells so."""

from __future__ import annotations

import os
import resource
import signal
from errno import EIO, ENOSPC
from pathlib import Path

import pytest
from database import Database
from osm_xml import change_file, osm_file
from programs import update_database

from osm3s.errors import StorageError
from osm3s.ffi.batch import Element
from osm3s.paths import DatabaseDir
from osm3s.storage import recovery
from osm3s.storage.recovery import ROLLED_BACK, ROLLED_FORWARD, recover
from osm3s.update import bulk_import, compact
from osm3s.update.update_files import update_files

NODES = [Element("node", i, (i * 100, i * 50), 1, 10, 1, 1, "ann", False, [], [], []) for i in range(1, 3000)]
START = osm_file(NODES)
MANY_GO = change_file([node._replace(deleted=True, version=2) for node in NODES[:2900]])
"""The long list of dead nodes is left to the compaction."""


def n_nodes(root: Path) -> int:
    return len(Database(root).dump())


@pytest.mark.parametrize(
    "place",
    ["after_extents", "before_merge", "after_merge", "after_shadow_removed"],
)
def test_a_signal_during_a_commit(tmp_path: Path, place: str) -> None:
    """It waits for the end of the commit, and then the change has happened."""
    root = tmp_path / "db"
    assert update_database(root, START, "--meta", "--areas=none").returncode == 0
    done = update_database(root, MANY_GO, "--version=now", failpoint=f"{place}:1:SIGTERM")
    assert (done.returncode, n_nodes(root)) == (0, 99), done.stderr
    assert b"undone" not in done.stderr


@pytest.mark.parametrize("place", ["import_before_rename", "import_before_index_rename", "import_after_index_rename"])
def test_a_signal_while_an_import_appears(tmp_path: Path, place: str) -> None:
    root = tmp_path / "db"
    done = update_database(root, START, "--areas=none", "--version=now", failpoint=f"{place}:1:SIGTERM")
    assert (done.returncode, n_nodes(root)) == (0, 2999), done.stderr
    assert Path(DatabaseDir(str(root)).version).read_text() == "now\n"
    assert not Path(DatabaseDir(str(root)).import_dir).exists()


def test_a_signal_during_the_compaction(tmp_path: Path) -> None:
    root = tmp_path / "db"
    update_database(root, START, "--meta", "--areas=none")
    done = update_database(root, MANY_GO, failpoint="after_extents:2:SIGTERM")
    assert (done.returncode, n_nodes(root)) == (0, 99), done.stderr


def test_a_disk_that_is_too_full_to_compact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "db"
    update_database(root, START, "--meta", "--areas=none")
    (tmp_path / "change.osc").write_bytes(MANY_GO)

    def full(*_: object) -> int:
        raise StorageError(f"nodes.bin: cannot write: {os.strerror(ENOSPC)}; nothing was changed")

    monkeypatch.setattr(compact, "publish", full)
    update_files(str(root), [str(tmp_path / "change.osc")], None, None, None)
    database = Database(root)
    database.check()
    assert len(database.dump()) == 99
    assert os.strerror(ENOSPC) in capsys.readouterr().err


def test_a_directory_that_becomes_read_only_after_the_merge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ext4 does after an error. The shadow that stays is found to be done."""
    root = tmp_path / "db"
    update_database(root, START, "--meta", "--areas=none")
    (tmp_path / "change.osc").write_bytes(change_file([NODES[0]._replace(deleted=True, version=2)]))
    shadow, unlink = DatabaseDir(str(root)).shadow, os.unlink

    def read_only(path: str) -> None:
        if path == shadow and os.path.exists(shadow):
            raise OSError(30, "Read-only file system", path)
        unlink(path)

    monkeypatch.setattr(os, "unlink", read_only)
    update_files(str(root), [str(tmp_path / "change.osc")], None, None, None)
    monkeypatch.undo()
    assert Path(shadow).exists()
    assert recover(str(root)) == recovery.CLEAN
    assert not Path(shadow).exists()
    assert n_nodes(root) == 2998


def test_recovery_syncs_what_it_makes_visible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer killed before its sync leaves extents that are in memory only: the index must not come before them."""
    root = tmp_path / "db"
    update_database(root, START, "--meta", "--areas=none")
    change = change_file([NODES[5]._replace(tags=[("k", "v")], version=2), NODES[6]._replace(position=(7, 7))])
    assert update_database(root, change, failpoint="before_sync").returncode == -signal.SIGKILL
    synced: set[str] = set()
    sync, merge, at_merge = os.fdatasync, recovery.merge, set[str]()

    def noting_sync(descriptor: int) -> None:
        synced.add(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    def noting_merge(*arguments: object) -> int:
        at_merge.update(synced)
        return merge(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fdatasync", noting_sync)
    monkeypatch.setattr(recovery, "merge", noting_merge)
    assert recover(str(root)) == ROLLED_FORWARD
    assert {"tagged_nodes.bin", "deltas.bin"} <= at_merge


def test_recovery_with_a_disk_that_fails_to_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "db"
    update_database(root, START, "--meta", "--areas=none")
    change = change_file([NODES[5]._replace(tags=[("k", "v")], version=2)])
    assert update_database(root, change, failpoint="before_sync").returncode == -signal.SIGKILL

    def failing(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    assert recover(str(root)) == ROLLED_BACK
    monkeypatch.undo()
    database = Database(root)
    database.check()
    assert database.dump()[5].element.version == 1


def test_a_disk_without_room_for_a_pid(tmp_path: Path) -> None:
    root = tmp_path / "db"
    update_database(root, START, "--meta", "--areas=none")

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    failed = update_database(root, MANY_GO, before=limited)
    assert (failed.returncode, failed.stderr.count(b"\n")) == (2, 1), failed.stderr
    assert b"nothing was changed" in failed.stderr
    assert not Path(DatabaseDir(str(root)).lock).exists()


@pytest.mark.parametrize("sync", [1, 2])
def test_an_import_into_a_directory_that_fails_to_sync(
    tmp_path: Path, sync: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the index is in its place, and after: a failure is told where there is no database, and nowhere else."""
    root, n_syncs = tmp_path / "db", 0
    (tmp_path / "start.osm").write_bytes(START)

    def failing(path: str) -> None:
        nonlocal n_syncs
        n_syncs += 1
        if n_syncs == sync:
            raise OSError(EIO, os.strerror(EIO))

    monkeypatch.setattr(bulk_import, "sync_directory", failing)
    with pytest.raises(StorageError, match="nothing was changed"):
        update_files(str(root), [str(tmp_path / "start.osm")], None, None, None)
    assert not DatabaseDir(str(root)).exists
    update_files(str(root), [str(tmp_path / "start.osm")], None, None, None)
    assert n_nodes(root) == 2999
