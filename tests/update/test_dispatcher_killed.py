"""The dispatcher is killed at every place of an import and a commit, with or without its writer: the next one finds the
old state or the new one, and a reader that began before all this still reads what it began with."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from database import Database, Stored
from osm_xml import change_file
from programs import PROJECT
from test_crashes import BEFORE_RENAME, CHANGES, NEW, NODES, OLD, START

from osm3s import failpoint
from osm3s.dispatch import status_page
from osm3s.dispatch.client import DispatcherClient
from osm3s.errors import DispatcherError, Osm3sError
from osm3s.paths import DatabaseDir
from osm3s.paths import status_page as page_path
from osm3s.update.update_files import update_files

IMPORT = [BEFORE_RENAME[0], "import_before_rename", "import_before_index_rename", "import_after_index_rename"]
REFUSED = [*OLD, "before_sync", "after_shadow_sync"]
"""Places before the writer asks whether it may merge: without a dispatcher it undoes its change."""
LATER = change_file([NODES[3]._replace(position=(9, 9), version=5)])
FAILED = 2


class Site:
    """A database directory, and the dispatcher that runs for it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.db = DatabaseDir(str(root))

    def dispatcher(self, at: str = "") -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "osm3s.cli.dispatcher", "--osm-base", f"--db-dir={self.root}"]
        return subprocess.Popen(command, cwd=PROJECT, env=os.environ | {"OSM3S_FAILPOINT": at})

    def start(self) -> None:
        """Returns when clients can connect."""
        command = [sys.executable, "-m", "osm3s.cli.dispatcher", "--osm-base", f"--db-dir={self.root}", "--daemon"]
        subprocess.run(command, cwd=PROJECT, check=True, timeout=60)

    def kill_dispatcher(self) -> None:
        """Returns when it has ended."""
        page = status_page.read(page_path(str(self.root)))
        assert page is not None and page.alive
        descriptor = os.pidfd_open(page.pid)
        os.kill(page.pid, signal.SIGKILL)
        assert select.select([descriptor], [], [], 60)[0]
        os.close(descriptor)

    def write(self, content: bytes, at: str = "", reached: Callable[[], None] = lambda: None) -> int:
        """Run an update in a process of its own, which calls `reached` once at a place; returns its exit status."""
        file = self.root.parent / "input.osm"
        file.write_bytes(content)
        left = [at]

        def at_failpoint(name: str) -> None:
            if name in left:
                left.clear()
                reached()

        def update() -> None:
            failpoint.reached = at_failpoint
            update_files(str(self.root), [str(file)], "meta", "later", None)

        return ended(fork(update))

    def state(self) -> list[Stored]:
        """What a new reader sees, once recovery is through: a writer gets its permission only then."""
        with DispatcherClient.connect(str(self.root)) as client, client.writing():
            pass
        database = Database(self.root)
        database.check()
        return database.dump()


def fork(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except Osm3sError:
            status = FAILED
        finally:
            os._exit(status)
    return pid


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Stored], list[Stored]]:
    """A database as it is before the changes, and the dumps before and after them."""
    site = Site(tmp_path_factory.mktemp("states") / "db")
    assert site.write(START) == 0
    before = site.root.parent / "before"
    shutil.copytree(site.root, before)
    old = Database(site.root).dump()
    assert site.write(CHANGES) == 0
    return before, old, Database(site.root).dump()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    (tmp_path / "shm").mkdir()
    monkeypatch.setenv("OSM3S_SHM_DIR", str(tmp_path / "shm"))
    monkeypatch.delenv("OVERPASS_DB_DIR", raising=False)
    site = Site(tmp_path / "db")
    yield site
    try:
        with DispatcherClient.connect(str(site.root)) as client:
            client.terminate()
    except DispatcherError:
        pass


def begin_reading(site: Site, expected: list[Stored]) -> Callable[[], int]:
    """A reader that has opened its snapshot; the call makes it read, and returns 0 if it has read what is expected."""
    opened, opened_in = os.pipe()
    go_on, go_on_in = os.pipe()

    def read() -> None:
        os.close(go_on_in)  # so that the reader ends with the test, whatever happens there

        def wait() -> None:
            os.write(opened_in, b"x")
            os.read(go_on, 1)

        with DispatcherClient.connect(str(site.root)) as client, client.reading() as session:
            session.opened(session.version.txn_id)
            assert Database(site.root, wait).dump() == expected

    pid = fork(read)
    os.close(opened_in)
    os.close(go_on)
    assert os.read(opened, 1) == b"x"
    os.close(opened)

    def finish() -> int:
        os.write(go_on_in, b"x")
        os.close(go_on_in)
        return ended(pid)

    return finish


@pytest.mark.parametrize("at", OLD + NEW)
def test_the_dispatcher_is_killed_during_a_commit(
    site: Site, at: str, states: tuple[Path, list[Stored], list[Stored]]
) -> None:
    before, old, new = states
    shutil.copytree(before, site.root)
    site.start()
    reader = begin_reading(site, old)
    assert site.write(CHANGES, at, site.kill_dispatcher) == (FAILED if at in REFUSED else 0)
    site.start()
    assert site.state() == (old if at in REFUSED else new)
    assert site.write(CHANGES) == 0 and site.write(LATER) == 0
    assert reader() == 0


@pytest.mark.parametrize("at", OLD + NEW)
def test_dispatcher_and_writer_are_killed_during_a_commit(
    site: Site, at: str, states: tuple[Path, list[Stored], list[Stored]]
) -> None:
    before, old, new = states
    shutil.copytree(before, site.root)
    site.start()

    def kill_both() -> None:
        site.kill_dispatcher()
        os.kill(os.getpid(), signal.SIGKILL)

    assert site.write(CHANGES, at, kill_both) == -signal.SIGKILL
    site.start()
    assert site.state() == (old if at in OLD else new)
    if at not in OLD:
        assert Path(site.db.version).read_text() == "later\n"
    assert not Path(site.db.shadow).exists() and not Path(site.db.lock).exists()


@pytest.mark.parametrize("at", ["in_merge", "recovery_after_merge", "recovery_after_mirrors"])
def test_a_dispatcher_is_killed_while_it_recovers(
    site: Site, at: str, states: tuple[Path, list[Stored], list[Stored]]
) -> None:
    before, _, new = states
    shutil.copytree(before, site.root)
    killed = site.write(CHANGES, "before_merge", lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert killed == -signal.SIGKILL
    assert site.dispatcher(at).wait(60) == -signal.SIGKILL
    site.start()
    assert site.state() == new
    assert Path(site.db.version).read_text() == "later\n"


@pytest.mark.parametrize("at", IMPORT)
def test_the_dispatcher_is_killed_during_an_import(
    site: Site, at: str, states: tuple[Path, list[Stored], list[Stored]]
) -> None:
    site.root.mkdir()
    site.start()
    appears = at in ("import_before_rename", "import_before_index_rename", "import_after_index_rename")
    assert site.write(START, at, site.kill_dispatcher) == (0 if appears else FAILED)
    assert Path(site.db.index).exists() == appears
    site.start()
    if not appears:
        assert site.write(START) == 0
    assert site.state() == states[1]
    assert not Path(site.db.import_dir).exists()


@pytest.mark.parametrize("at", IMPORT[2:])
def test_dispatcher_and_writer_are_killed_during_an_import(
    site: Site, at: str, states: tuple[Path, list[Stored], list[Stored]]
) -> None:
    site.root.mkdir()
    site.start()

    def kill_both() -> None:
        site.kill_dispatcher()
        os.kill(os.getpid(), signal.SIGKILL)

    assert site.write(START, at, kill_both) == -signal.SIGKILL
    site.start()
    if at != "import_after_index_rename":
        assert not Path(site.db.index).exists()
        assert site.write(START) == 0
    assert site.state() == states[1]
    assert Path(site.db.version).read_text() == "later\n"
    assert not Path(site.db.import_dir).exists()
