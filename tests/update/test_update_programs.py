"""update_database and update_from_dir as programs: inputs, levels, exit statuses, messages; also with a dispatcher."""

from __future__ import annotations

import bz2
import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from database import Database
from osm_xml import change_file, osm_file
from programs import run, update_database

from osm3s.ffi.batch import Element
from osm3s.paths import DatabaseDir
from osm3s.storage import changelog, index_keys
from osm3s.update import bulk_import
from osm3s.update.permission import directory_locked
from osm3s.update.update_files import update_files

NODE = Element("node", 1, (10, 20), 1, 1_700_000_000, 5, 7, "ann", False, [("k", "v")], [], [])
WAY = NODE._replace(type="way", id=2, position=None, refs=[1, 3])
START = osm_file([NODE, NODE._replace(id=3, position=(30, 40), tags=[]), WAY])


def ids(root: Path) -> list[tuple[str, int, int]]:
    return [(s.element.type, s.element.id, s.element.version) for s in Database(root).dump()]


def one_line(message: bytes) -> str:
    assert message.count(b"\n") == 1, message
    return message.decode()


def test_data_only_is_the_default_of_a_new_database(tmp_path: Path) -> None:
    assert update_database(tmp_path / "db", START).returncode == 0
    assert Database(tmp_path / "db").settings.level == "data"
    assert {s.element.version for s in Database(tmp_path / "db").dump()} == {0}


@pytest.mark.parametrize(("flag", "level"), [("--data-only", "data"), ("--meta", "meta"), ("--keep-attic", "attic")])
def test_levels(tmp_path: Path, flag: str, level: str) -> None:
    root = tmp_path / "db"
    assert update_database(root, START, flag).returncode == 0
    assert Database(root).settings.level == level
    assert update_database(root, change_file([NODE._replace(version=2)])).returncode == 0
    other = "--meta" if level != "meta" else "--data-only"
    refused = update_database(root, change_file([NODE]), other)
    assert refused.returncode == 1
    assert flag in refused.stderr.decode()
    assert Database(root).settings.commit == 2


def test_a_program_prints_nothing_when_all_is_well(tmp_path: Path) -> None:
    done = update_database(tmp_path / "db", START, "--meta", "--flush-size=0", "--compression-method=gz")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


SLOW_TO_IMPORT = {"dataclasses", "inspect", "argparse", "asyncio", "numpy", "osmium", "tempfile", "tqdm"}


def test_a_minute_imports_nothing_slow(tmp_path: Path) -> None:
    root, diffs = tmp_path / "db", tmp_path / "diffs"
    assert update_database(root, START, "--keep-attic").returncode == 0
    diffs.mkdir()
    (diffs / "1.osc").write_bytes(change_file([NODE._replace(version=2, timestamp=NODE.timestamp + 1)]))
    code = (
        "import sys; from osm3s.cli.update_from_dir import main;"
        f"assert main(['--osc-dir={diffs}', '--db-dir={root}']) == 0; print({SLOW_TO_IMPORT} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"
    assert Database(root).settings.commit == 2


def test_an_unsorted_document_is_sorted(tmp_path: Path) -> None:
    elements = [WAY, NODE._replace(id=3), NODE._replace(version=2), NODE._replace(version=1)]
    assert update_database(tmp_path / "db", osm_file(elements), "--meta").returncode == 0
    assert ids(tmp_path / "db") == [("node", 1, 2), ("node", 3, 1), ("way", 2, 1)]


def test_a_change_fills_an_empty_database(tmp_path: Path) -> None:
    change = change_file([WAY, NODE, NODE._replace(id=9), NODE._replace(id=9, version=2, deleted=True)])
    assert update_database(tmp_path / "db", change, "--meta").returncode == 0
    assert ids(tmp_path / "db") == [("node", 1, 1), ("way", 2, 1)]


def test_files_named_are_one_transaction(tmp_path: Path) -> None:
    root = tmp_path / "db"
    update_database(root, START, "--meta")
    first, second = tmp_path / "1.osc.gz", tmp_path / "2.osc.bz2"
    first.write_bytes(gzip.compress(change_file([NODE._replace(version=2), NODE._replace(id=5)])))
    changes = [NODE._replace(version=3), NODE._replace(id=5, deleted=True, version=2)]
    second.write_bytes(bz2.compress(change_file(changes)))
    assert update_database(root, b"", str(first), str(second)).returncode == 0
    database = Database(root)
    assert database.settings.commit == 2
    assert ids(root) == [("node", 1, 3), ("node", 3, 1), ("way", 2, 1)]


def test_the_version_has_backslashes_in_its_file_alone_and_only_where_a_feed_is_followed(tmp_path: Path) -> None:
    root = tmp_path / "db"
    text = r"2024-03-20T12\:00\:00Z"
    assert update_database(root, START, f"--version={text}").returncode == 0
    assert Path(DatabaseDir(str(root)).version).read_text() == "2024-03-20T12:00:00Z\n"
    assert update_database(root, change_file([NODE]), f"--version={text}", "--replicate-id=12").returncode == 0
    assert Path(DatabaseDir(str(root)).version).read_text() == text + "\n"
    assert Database(root).settings.timestamp == "2024-03-20T12:00:00Z"
    assert Database(root).settings.replicate_id == "12"
    assert update_database(root, change_file([NODE]), "--version=x", "--replicate-id=13").returncode == 0
    assert Database(root).settings.timestamp == "x"
    assert Path(DatabaseDir(str(root)).version).read_text() == "x\n"
    assert Path(DatabaseDir(str(root)).replicate_id).read_text() == "13\n"


def test_the_timestamp_of_the_file_counts_without_a_version(tmp_path: Path) -> None:
    stated = START.replace(b"<osm version='0.6'>", b"<osm version='0.6' timestamp='2020-01-01T00:00:00Z'>")
    update_database(tmp_path / "db", stated)
    assert Database(tmp_path / "db").settings.timestamp == "2020-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--foo"], "--foo"),
        (["--foo=1"], "--foo=1"),
        (["--db-dir="], "--db-dir"),
        (["--flush-size=x"], "--flush-size"),
        (["--compression-method=brotli"], "brotli"),
        (["--meta", "--data-only"], "exclude"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str) -> None:
    done = run("update_database", *arguments)
    assert (done.returncode, done.stdout) == (1, b"")
    assert said in done.stderr.decode()


@pytest.mark.parametrize(
    "content", [b"", b"no data", b"<osm><node id='1' lat='1' lon='1'/>", b"<html><body>404</body></html>", START[:-40]]
)
def test_malformed_input_changes_nothing(tmp_path: Path, content: bytes) -> None:
    root = tmp_path / "db"
    update_database(root, START, "--meta")
    before = Database(root).index
    done = update_database(root, content)
    assert done.returncode == 255
    one_line(done.stderr)
    assert Database(root).index == before
    assert update_database(root, change_file([NODE])).returncode == 0


def test_a_database_that_is_not_one(tmp_path: Path) -> None:
    Path(DatabaseDir(str(tmp_path)).index).write_bytes(b"not an index" * 1000)
    done = update_database(tmp_path, START)
    assert done.returncode == 2
    assert DatabaseDir(str(tmp_path)).index in one_line(done.stderr)


def test_without_a_dispatcher_and_without_a_directory(tmp_path: Path) -> None:
    done = run("update_database", OSM3S_SHM_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "dispatcher" in one_line(done.stderr)


@pytest.mark.parametrize("program", ["update_database", "update_from_dir"])
def test_help_teaches(program: str) -> None:
    done = run(program, "--help")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Exit status" in done.stdout


def until_it_is_at_the_lock(writer: subprocess.Popen[bytes], lock: str) -> None:
    """Until it has opened the lock that the test holds: its signal handlers are in place then."""
    while not any(file.exists() and str(file.readlink()) == lock for file in Path(f"/proc/{writer.pid}/fd").iterdir()):
        assert writer.poll() is None, "it did not wait"
        time.sleep(0.01)


def test_a_second_writer_waits_and_sigterm_ends_it(tmp_path: Path) -> None:
    root = tmp_path / "db"
    update_database(root, START)
    change = tmp_path / "change.osc"
    change.write_bytes(change_file([NODE._replace(id=8)]))
    program = [str(Path(__file__).resolve().parents[2] / "bin" / "update_database"), f"--db-dir={root}", str(change)]
    db = DatabaseDir(str(root))
    with directory_locked(db):
        waiting = subprocess.Popen(program, stderr=subprocess.PIPE)
        until_it_is_at_the_lock(waiting, db.writer_lock)
        waiting.send_signal(signal.SIGTERM)
        _, errors = waiting.communicate(timeout=60)
        assert waiting.returncode == 15
        assert "interrupted" in one_line(errors)
        waiting = subprocess.Popen(program)
        until_it_is_at_the_lock(waiting, db.writer_lock)
    assert waiting.wait(60) == 0
    assert ("node", 8, 0) in ids(root)


def test_a_directory_of_diffs(tmp_path: Path) -> None:
    root, diffs = tmp_path / "db", tmp_path / "diffs"
    update_database(root, START, "--meta")
    diffs.mkdir()
    (diffs / "001.osc").write_bytes(change_file([NODE._replace(version=2), NODE._replace(id=4)]))
    (diffs / "002.osc.gz").write_bytes(gzip.compress(change_file([NODE._replace(version=2, tags=[("later", "wins")])])))
    (diffs / "002.state.txt").write_text("sequenceNumber=2\n")
    flags = ("--version=then", "--meta", "--flush-size=0")
    done = run("update_from_dir", f"--osc-dir={diffs}/", f"--db-dir={root}/", *flags)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    database = Database(root)
    database.check()
    assert database.settings.timestamp == "then"
    assert database.dump()[0].element.tags == [("later", "wins")]
    assert ids(root) == [("node", 1, 2), ("node", 3, 1), ("node", 4, 1), ("way", 2, 1)]


def test_a_bad_diff_in_the_directory_changes_nothing(tmp_path: Path) -> None:
    root, diffs = tmp_path / "db", tmp_path / "diffs"
    update_database(root, START)
    diffs.mkdir()
    (diffs / "1.osc").write_bytes(change_file([NODE._replace(id=4)]))
    (diffs / "2.osc.gz").write_bytes(gzip.compress(change_file([NODE._replace(id=5)]))[:-9])
    done = run("update_from_dir", f"--osc-dir={diffs}", f"--db-dir={root}")
    assert done.returncode == 255
    assert "2.osc.gz" in one_line(done.stderr)
    assert len(ids(root)) == 3
    for arguments, status in (([], 255), ([f"--osc-dir={tmp_path}/none"], 255), ([f"--osc-dir={root}/none"], 255)):
        assert run("update_from_dir", *arguments, f"--db-dir={root}").returncode == status


def test_the_changelog_has_old_and_new_boxes(tmp_path: Path) -> None:
    root = tmp_path / "db"
    update_database(root, START, "--meta")
    change = [NODE._replace(version=2, position=(11, 21)), NODE._replace(id=3, deleted=True, version=2)]
    change.append(NODE._replace(id=6, position=(1, 2)))
    assert update_database(root, change_file(change), "--version=now").returncode == 0
    timestamp, rows = changelog.unpack(Database(root).index[index_keys.changelog(2)])
    assert timestamp == "now"
    assert list(rows) == [
        (0, 1, changelog.Kind.MODIFIED, (10, 20, 10, 20), (11, 21, 11, 21), 0, 0),
        (0, 3, changelog.Kind.DELETED, (30, 40, 30, 40), None, 0, 0),
        (0, 6, changelog.Kind.CREATED, None, (1, 2, 1, 2), 0, 0),
        (1, 2, changelog.Kind.IMPLICIT, (10, 20, 30, 40), (11, 21, 11, 21), 0, 0),
    ]


def test_with_a_dispatcher(tmp_path: Path) -> None:
    """Import and update through it; a writer that is killed while it merges is made good by the dispatcher."""
    root, shm = tmp_path / "db", tmp_path / "shm"
    root.mkdir()
    shm.mkdir()
    here = {"OSM3S_SHM_DIR": str(shm)}
    assert run("dispatcher", "--osm-base", f"--db-dir={root}", "--daemon", **here).returncode == 0
    try:
        assert run("update_database", "--meta", stdin=START, **here).returncode == 0
        changed = run("update_database", stdin=change_file([NODE._replace(version=2)]), **here)
        assert changed.returncode == 0, changed.stderr
        assert ids(root)[0] == ("node", 1, 2)
        killed = run("update_database", stdin=change_file([NODE._replace(version=3)]), failpoint="in_merge", **here)
        assert killed.returncode == -signal.SIGKILL
        change = change_file([NODE._replace(id=8)])
        again = update_database(root, change, **here)
        assert again.returncode == 0, again.stderr
        assert ids(root)[0] == ("node", 1, 3)
        assert ("node", 8, 1) in ids(root)
        Database(root).check()
    finally:
        run("dispatcher", "--terminate", f"--db-dir={root}", **here)


def test_a_directory_whose_name_is_no_utf_8(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"M\xfcnchen")
    assert update_database(root, START, "--meta").returncode == 0
    assert update_database(root, change_file([NODE._replace(version=2)])).returncode == 0
    assert run("verify", f"--db-dir={root}").returncode == 0
    query = b"[out:csv(::version;false)];node(1);out meta;"
    assert run("osm3s_query", f"--db-dir={root}", stdin=query).stdout == b"2\n"


def test_a_directory_with_a_long_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the elements do not fit into memory, so that runs of them are sorted on the disk."""
    root, file = tmp_path / ("a" * 200) / ("b" * 200), tmp_path / "start.osm"
    file.write_bytes(osm_file([NODE._replace(id=i) for i in range(1, 2000)]))
    monkeypatch.setattr(bulk_import, "ARENA_BYTES", 1 << 14)
    update_files(str(root), [str(file)], "meta", None, None)
    assert len(ids(root)) == 1999
