"""What holds the permission to write: signs of life during long work, and no signal between merge and news."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from osm_xml import change_file, osm_file

from osm3s.dispatch.instance import Instance
from osm3s.dispatch.lock_file import lock_text
from osm3s.dispatch.session import WriteSession
from osm3s.dispatch.version import Version
from osm3s.errors import DispatcherError, StorageError
from osm3s.paths import DatabaseDir
from osm3s.update import bulk_import, update_files
from osm3s.update.permission import Permission, uninterrupted, writing


class Came(Exception):
    pass


@contextmanager
def handled(number: signal.Signals) -> Iterator[None]:
    def handler(number: int, frame: FrameType | None) -> None:
        raise Came

    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("in_thread", [True, False])
def test_a_signal_waits_whichever_thread_gets_it(number: signal.Signals, in_thread: bool) -> None:
    """Python handles it in the main thread, also if that blocks it: any other thread that does not can get it."""
    steps, go = [], threading.Event()

    def get_it() -> None:
        go.wait()
        signal.raise_signal(number)

    other = threading.Thread(target=get_it, daemon=True)  # started before: it does not block signals
    other.start()
    with handled(number):
        with pytest.raises(Came), uninterrupted():
            if not in_thread:
                signal.raise_signal(number)
                steps.append("raised here")
            go.set()
            other.join()
            steps.append("the end")
        assert steps[-1:] == ["the end"]
        with uninterrupted():
            steps.append("none came")
    assert steps[-1] == "none came"


def test_in_a_thread_there_are_no_signals() -> None:
    done = []

    def work() -> None:
        with uninterrupted():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


class Session(WriteSession):
    """Notes its signs of life; the dispatcher is lost after `n` of them."""

    def __init__(self, n: int) -> None:
        self.interval_s = 0.001
        self.oldest_snapshot, self.version = 0, Version()
        self.n, self.enough = n, threading.Event()

    def prolongate(self) -> None:
        self.n -= 1
        if self.n == 0:
            self.enough.set()
            raise DispatcherError("gone")


def test_long_work_gives_signs_of_life() -> None:
    """Until it is over, or the dispatcher is lost."""
    session = Session(5)
    before = threading.active_count()
    with Permission(DatabaseDir("db"), session).alive():
        assert session.enough.wait(60)
    assert threading.active_count() <= before
    with Permission(DatabaseDir("db"), None).alive():
        assert threading.active_count() <= before


@pytest.mark.parametrize("is_import", [True, False])
def test_imports_and_changes_give_them(tmp_path: Path, is_import: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the dispatcher ends the import of a country after a quarter of an hour."""
    root, file, session = tmp_path / "db", tmp_path / "input", Session(3)
    file.write_bytes(osm_file([]))
    if not is_import:
        update_files.update_files(str(root), [str(file)], "meta", None, None)
        file.write_bytes(change_file([]))
    root.mkdir(exist_ok=True)

    @contextmanager
    def granted(*_: object) -> Iterator[Permission]:
        yield Permission(DatabaseDir(str(root)), session)

    def work(*_: object) -> None:
        assert session.enough.wait(60)
        raise StorageError("enough")

    monkeypatch.setattr(update_files, "writing", granted)
    monkeypatch.setattr(bulk_import.BulkImport, "run", work)
    monkeypatch.setattr(update_files.ElementUpdate, "apply", work)
    with pytest.raises(StorageError, match="enough"):
        update_files.update_files(str(root), [str(file)], None, None, None)


@pytest.mark.parametrize("alone", [True, False])
def test_a_dispatcher_that_starts_knows_who_has_begun_without_one(
    tmp_path: Path, alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for it as long as it takes, and not only for as long as for one that a killed dispatcher has left."""
    monkeypatch.setenv("OSM3S_SHM_DIR", str(tmp_path))
    with writing(str(tmp_path)) as permission:
        if not alone:
            Path(permission.db.lock).write_text(lock_text(os.getpid()))
        pid = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: 1)  # the dispatcher is another process
        instance = Instance(str(tmp_path))
        monkeypatch.undo()
        assert (instance.writer_pid, instance.writer_alone) == (pid, alone)
        instance.listener.close()
        instance.leave(keep_page=False)
