"""Clones: one version, whatever a writer does meanwhile; what they take; how they travel."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from database import Database
from feed_server import FeedServer, not_found, overloaded, truncated
from programs import run, update_database
from small_feed import FakeClock, change, follow, import_world, publish, sequence_in

from osm3s.cli import clone as clone_program
from osm3s.errors import InputError, StorageError, UsageError
from osm3s.paths import DatabaseDir
from osm3s.replication.download import CloneDownload
from osm3s.storage.clone import clone


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        publish(running, 1, 12)
        yield running


@pytest.fixture
def root(tmp_path: Path, server: FeedServer) -> Path:
    """A database that stands at 6, in the middle of the feed."""
    import_world(tmp_path / "db")
    later = {name: server.files.pop(name) for name in list(server.files) if name[8:11] > "006"}
    publish(server, 6, 6)
    follow(tmp_path / "db", server.url)
    server.files |= later
    publish(server, 12, 12)
    assert sequence_in(tmp_path / "db") == 6
    return tmp_path / "db"


def test_a_clone_is_one_version_while_the_writer_goes_on(server: FeedServer, root: Path, tmp_path: Path) -> None:
    before = Database(root).dump()

    def go_on(txn_id: int) -> None:
        assert run("follow", server.url, f"--db-dir={root}", "--once", "--batch=1").returncode == 0

    clone(str(root), str(tmp_path / "clone"), go_on)
    assert sequence_in(root) == 12
    assert sequence_in(tmp_path / "clone") == 6
    assert Database(tmp_path / "clone").dump() == before
    assert Path(DatabaseDir(str(tmp_path / "clone")).replicate_id).read_text() == "6\n"
    follow(tmp_path / "clone", server.url)
    assert Database(tmp_path / "clone").dump() == Database(root).dump()
    Database(tmp_path / "clone").check()


def test_a_database_is_not_overwritten(root: Path, tmp_path: Path) -> None:
    for into in (root, tmp_path / "clone"):
        if into != root:
            clone(str(root), str(into))
        with pytest.raises(UsageError, match="there is a database already"):
            clone(str(root), str(into))
    assert sequence_in(root) == 6


def test_the_program_clones_areas_too(tmp_path: Path) -> None:
    root, into = tmp_path / "db", tmp_path / "clone"
    assert update_database(root, change(1), "--meta").returncode == 0
    assert DatabaseDir(str(root)).areas.exists
    done = run("osm3s_query", f"--db-dir={root}", f"--clone={into}", "--clone-compression=lz4")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert DatabaseDir(str(into)).areas.exists
    assert run("verify", f"--db-dir={into}").returncode == 0
    assert run("osm3s_query", f"--db-dir={root}", f"--clone={into}").returncode == 1
    assert run("osm3s_query", f"--db-dir={root}", "--clone-file=nodes.bin").returncode == 1
    assert run("migrate_database", "--migrate", f"--db-dir={into}").stderr == b""


def test_a_full_disk_leaves_no_clone(root: Path, tmp_path: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    failed = run("osm3s_query", f"--db-dir={root}", f"--clone={tmp_path / 'clone'}", before=limited)
    assert failed.returncode == 1
    assert failed.stderr.count(b"\n") == 1
    assert not DatabaseDir(str(tmp_path / "clone")).exists
    clone(str(root), str(tmp_path / "clone"))
    assert sequence_in(tmp_path / "clone") == 6


def test_the_clone_of_the_day_stays_until_there_is_another(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clones = tmp_path / "clones"
    monkeypatch.setattr(clone_program, "clone_database", lambda db_dir, into: clone(str(root), into))
    clone_program.publish_clone("http://x/", str(clones), 0.0)

    def fails(db_dir: str, into: str) -> None:
        Path(into).mkdir()
        raise StorageError("the disk is full")

    monkeypatch.setattr(clone_program, "clone_database", fails)
    with pytest.raises(StorageError):
        clone_program.publish_clone("http://x/", str(clones), 0.0)
    name = (clones / "latest_dir").read_text().strip().removeprefix("http://x/")
    assert sequence_in(clones / name) == 6
    monkeypatch.setattr(clone_program, "clone_database", lambda db_dir, into: clone(str(root), into))
    clone_program.publish_clone("http://x/", str(clones), 0.0)
    assert sorted(path.name for path in clones.iterdir()) == sorted(["latest_dir", name])


def test_a_format_that_is_not_known_is_told(root: Path) -> None:
    from osm3s.storage import index_keys
    from osm3s.storage.index import open_for_writing, read_settings

    assert run("migrate_database", f"--db-dir={root}").returncode == 0
    env = open_for_writing(DatabaseDir(str(root)).index)
    with env.begin(write=True) as txn:
        settings = read_settings(txn)
        settings.format_version = 77
        txn.put(index_keys.setting("database"), settings.pack())
    env.close()
    done = run("migrate_database", "--migrate", f"--db-dir={root}")
    assert done.returncode == 2
    assert b"format 77" in done.stderr


# --- over HTTP ------------------------------------------------------------------------------------------------------


@pytest.fixture
def published(server: FeedServer, root: Path, tmp_path: Path) -> FeedServer:
    """A server with the clone of the database."""
    clone(str(root), str(tmp_path / "published"))
    server.files |= {f"2026-01-01/{file.name}": file.read_bytes() for file in (tmp_path / "published").iterdir()}
    server.files["api/trigger_clone"] = f"{server.url}/2026-01-01\n".encode()
    return server


def download(server: FeedServer, into: Path, level: str = "meta", n_waits: int = 0) -> FakeClock:
    clock = FakeClock(*[lambda: None] * n_waits)
    CloneDownload(f"{server.url}/api/", str(into), clock, lambda text: None).run(level)
    return clock


def test_a_clone_is_downloaded(published: FeedServer, root: Path, tmp_path: Path) -> None:
    download(published, tmp_path / "new")
    assert Database(tmp_path / "new").dump() == Database(root).dump()
    assert (tmp_path / "new" / "base-url").read_text() == f"{published.url}/2026-01-01\n"
    follow(tmp_path / "new", published.url)
    assert sequence_in(tmp_path / "new") == 12
    with pytest.raises(UsageError):
        download(published, tmp_path / "new")


def test_a_download_goes_on_where_it_broke(published: FeedServer, tmp_path: Path) -> None:
    published.misbehaviour["2026-01-01/osm_base.idx"] = [overloaded, truncated]
    published.misbehaviour["2026-01-01/deltas.bin"] = [truncated]
    clock = download(published, tmp_path / "new", n_waits=3)
    assert clock.waits == [15] * 3
    assert sequence_in(tmp_path / "new") == 6


def test_what_is_no_clone_is_refused(published: FeedServer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="keeps only meta"):
        download(published, tmp_path / "new", "attic")
    published.misbehaviour["2026-01-01/osm_base.idx"] = [not_found]
    with pytest.raises(InputError, match="no clone that osm3s can read"):
        download(published, tmp_path / "new")
    published.files["2026-01-01/osm_base.idx"] = b"something else " * 1000
    with pytest.raises(StorageError):
        download(published, tmp_path / "new")
    assert not DatabaseDir(str(tmp_path / "new")).exists
