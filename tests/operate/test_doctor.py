"""The doctor finds what a test has done to an installation, and nothing in one that is well."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from osm3s.cli import ailments
from osm3s.cli.ailments import Finding
from osm3s.cli.doctor import examine, report
from osm3s.dispatch.api_keys import add_key
from osm3s.dispatch.client import DispatcherClient
from osm3s.paths import DatabaseDir

PROJECT = Path(__file__).resolve().parent.parent.parent
OSM = "<osm version='0.6'><node id='1' lat='1' lon='2' version='1'/></osm>"


def now(ago_s: float = 0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago_s))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fresh") / "db"
    program("update_database", f"--db-dir={root}", f"--version={now()}")
    return root


@pytest.fixture
def db(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatabaseDir:
    monkeypatch.setenv("OSM3S_SHM_DIR", str(tmp_path))
    monkeypatch.delenv("OVERPASS_DB_DIR", raising=False)
    return DatabaseDir(str(shutil.copytree(fresh, tmp_path / "db")))


def program(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", f"osm3s.cli.{name}", *arguments]
    return subprocess.run(command, input=OSM, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def running(db: DatabaseDir) -> Iterator[DatabaseDir]:
    assert program("dispatcher", "--osm-base", f"--db-dir={db.root}", f"--space={1 << 20}", "--daemon").returncode == 0
    yield db
    with DispatcherClient.connect(db.root) as client:
        client.terminate()


def found(findings: list[Finding], text: str) -> Finding:
    (finding,) = [finding for finding in findings if text in finding.what]
    return finding


def test_an_installation_that_is_well(running: DatabaseDir) -> None:
    of_machine = {*ailments.disk(running), *ailments.kernel(running)}  # what is true of the machine of this test
    findings = [finding for finding in examine(running) if finding not in of_machine]
    assert [finding.wrong for finding in findings] == [False]
    assert "No frontend waits for queries" in findings[0].what
    assert report(findings).endswith("Nothing is wrong.\n")


def test_the_program(db: DatabaseDir, tmp_path: Path) -> None:
    done = program("doctor", f"--db-dir={tmp_path / 'nowhere'}")
    assert done.returncode == 2 and "is not a directory" in done.stdout
    done = program("doctor", f"--db-dir={tmp_path}")
    assert done.returncode == 2 and "There is no database in" in done.stdout
    assert program("doctor", "--nonsense").returncode == 1
    assert program("doctor", "--help").stdout.startswith("osm3s doctor: ")


def test_old_data(db: DatabaseDir) -> None:
    assert not list(ailments.age(db))
    Path(db.version).write_text(now(5 * 86400) + "\n")
    assert not found(list(ailments.age(db)), "The data is 5 days old.").wrong
    Path(db.replicate_id).write_text("17\n")
    assert found(list(ailments.age(db)), "The data is 5 days old.").wrong
    assert "but the data is of" in found(list(ailments.database(db)), "says").what


def test_old_areas(db: DatabaseDir) -> None:
    Path(db.areas.index).touch()
    Path(db.areas.version).write_text(now(3.5 * 86400) + "\n")
    assert found(list(ailments.areas(db)), "The areas are 3 days behind the data.").wrong


def test_what_the_dead_have_left(db: DatabaseDir) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(db.socket())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(db.frontend_socket())
    Path(db.lock).write_text("999999999\n")
    Path(db.shadow).write_bytes(b"torn")
    findings = examine(db)
    assert not found(findings, "A dispatcher was killed").wrong
    assert not found(findings, "which has ended").wrong
    assert not found(findings, "left of an update that was interrupted").wrong
    assert found(findings, "Nobody answers on").wrong


def test_a_damaged_database(db: DatabaseDir) -> None:
    Path(db.index).write_bytes(b"\0" * 8192)
    assert found(list(ailments.database(db)), "cannot be opened").wrong


def test_a_copy_that_is_not_complete(db: DatabaseDir) -> None:
    os.truncate(db.block_file(0), 0)
    (finding,) = [finding for finding in ailments.database(db) if finding.wrong]
    assert "nodes.bin: 0 bytes long, the index needs" in finding.what
    Path(db.block_file(0)).unlink()
    assert finding in ailments.database(db)


@pytest.mark.parametrize("domain", ["osm_base", "areas"])
@pytest.mark.parametrize("left_bytes", [0, 8192])
def test_an_index_that_is_cut_short(db: DatabaseDir, domain: str, left_bytes: int) -> None:
    os.truncate(DatabaseDir(db.root, domain).index, left_bytes)
    done = program("doctor", f"--db-dir={db.root}")
    assert (done.returncode, done.stderr) == (2, "")
    assert f"WRONG   The database cannot be opened: {db.root}/{domain}.idx: " in done.stdout


def test_keys_that_do_not_count(db: DatabaseDir, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not list(ailments.keys(db))
    add_key(db.api_keys, 4, "somebody")
    assert not list(ailments.keys(db))
    with open(db.api_keys, "a") as file:
        file.write("\nabc 4 somebody\n")
    assert found(list(ailments.keys(db)), "api_keys: line 3 is no key.").wrong
    stat = os.stat
    other = SimpleNamespace(st_uid=stat(db.root).st_uid + 1)
    monkeypatch.setattr(ailments.os, "stat", lambda path: other if path == db.api_keys else stat(path))
    assert found(list(ailments.keys(db)), "the dispatcher cannot read it, so no key counts.").wrong


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes keys for others")
def test_a_key_that_root_makes_can_be_read_by_the_dispatcher(db: DatabaseDir) -> None:
    os.chown(db.root, 12345, 23456)
    add_key(db.api_keys, 4, "somebody")
    status = os.stat(db.api_keys)
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (12345, 23456, 0o600)


def test_stuck_readers() -> None:
    status = (
        "Rate limit: 0\n131584 10 0 1000 60 1000\n131584 11 0 1000 9999 1000\n131584 12 0 1000 0 1\n"
        "pending\t10\nquota\t5 900\n"
    )
    (finding,) = ailments.stuck_readers(status, 2000.0)
    assert finding.wrong and "Process 10 reads for 15 minutes longer" in finding.what


def test_limits_of_the_machine(db: DatabaseDir, monkeypatch: pytest.MonkeyPatch) -> None:
    full = SimpleNamespace(f_bavail=10, f_frsize=1 << 20, f_blocks=1000, f_favail=1, f_files=9)
    monkeypatch.setattr(ailments.os, "statvfs", lambda path: full)
    assert found(list(ailments.disk(db)), "has 10 MB left, 1 % of it").wrong
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 1024))
    assert found(list(ailments.kernel(db)), "may open 1024 files").wrong
    monkeypatch.setenv("OSM3S_SHM_DIR", "/nowhere")
    assert found(list(ailments.kernel(db)), "/nowhere cannot be written").wrong


def test_more_memory_promised_than_there_is(running: DatabaseDir) -> None:
    assert not list(ailments.readers(running))
    with DispatcherClient.connect(running.root) as client:
        client.set_limits(space_bytes=1 << 50)
    assert found(list(ailments.readers(running)), "Queries may claim 1048576 GB together").wrong
