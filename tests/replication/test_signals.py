"""Programs that follow a feed are stopped and killed at any moment: the database holds whole batches; all goes on."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from feed_server import FeedServer
from processes import LinesOf, Meeting, running
from programs import run
from small_feed import import_world, publish, sequence_in

from osm3s.paths import DatabaseDir
from osm3s.replication.state import path_of

PLACES = ["before_shadow_complete", "after_shadow_sync", "after_merge"]
"""In a commit; all of them are in tests/update/test_crashes.py."""


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running_server:
        publish(running_server, 1, 6)
        yield running_server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    import_world(tmp_path / "db")
    return tmp_path / "db"


@pytest.mark.parametrize("failpoint", PLACES)
def test_a_killed_follower_is_taken_over(server: FeedServer, root: Path, failpoint: str) -> None:
    """It is killed in its second batch."""
    arguments = (server.url, f"--db-dir={root}", "--once", "--batch=2")
    killed = run("follow", *arguments, failpoint=f"{failpoint}:2")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = run("follow", f"--db-dir={root}", "--once", "--batch=2")  # the database knows its feed by now
    assert done.returncode == 0, done.stderr
    assert sequence_in(root) == 6


def test_a_full_disk_is_told_and_changes_nothing(server: FeedServer, root: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))

    failed = run("follow", server.url, f"--db-dir={root}", "--once", before=limited)
    assert failed.returncode == 2
    assert b"nothing was changed" in failed.stderr
    assert sequence_in(root) == 0
    assert run("follow", server.url, f"--db-dir={root}", "--once").returncode == 0
    assert sequence_in(root) == 6


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_following_stops_while_it_waits(server: FeedServer, root: Path, number: signal.Signals) -> None:
    with running("follow", server.url, f"--db-dir={root}") as process:
        assert process.stderr is not None
        while "up to date" not in process.stderr.readline():
            pass
        process.send_signal(number)
        _, errors = process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert sequence_in(root) == 6


@pytest.mark.parametrize("place", ["state.txt", path_of(1) + ".osc.gz", path_of(4) + ".osc.gz"])
def test_following_stops_while_a_server_is_silent(server: FeedServer, root: Path, place: str) -> None:
    meeting = Meeting()
    server.misbehaviour[place] = [meeting.answer]
    with running("follow", server.url, f"--db-dir={root}", "--batch=3", "--once") as process:
        assert meeting.asked.wait(60)
        process.terminate()
        _, errors = process.communicate()
    meeting.over.set()
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert sequence_in(root) in (0, 3)


def test_fetch_osc_and_apply_has_the_log_and_the_status_of_the_reference(server: FeedServer, root: Path) -> None:
    log = LinesOf(Path(DatabaseDir(str(root)).fetch_and_apply_log))
    with running("fetch_osc_and_apply", server.url, OVERPASS_DB_DIR=str(root)) as process:
        lines = log.until(lambda line: "update complete" in line)
        assert [line[21:] for line in lines] == ["", "updating from 0", "updating to 6", "update complete 6"]
        log.until(lambda line: line.endswith("updating from 6"))
        process.terminate()
        process.wait()
    log.close()
    assert process.returncode == 15
    assert sequence_in(root) == 6


def test_apply_osc_to_db_goes_on_as_diffs_arrive(server: FeedServer, root: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    for name, content in server.files.items():
        (archive / name).parent.mkdir(parents=True, exist_ok=True)
        (archive / name).write_bytes(content)
    (archive / "replicate_id").write_text("4\n")
    log = LinesOf(Path(DatabaseDir(str(root)).apply_log))
    with running("apply_osc_to_db", str(archive), "auto", "--meta=yes", OVERPASS_DB_DIR=str(root)) as process:
        lines = log.until(lambda line: "update complete" in line)
        assert [line[21:] for line in lines] == ["", "updating from 0", "updating to 4", "update complete 4"]
        (archive / "replicate_id").write_text("6\n")
        log.until(lambda line: line.endswith("update complete 6"))
        process.terminate()
        process.wait()
    log.close()
    assert process.returncode == 15
    assert sequence_in(root) == 6


@pytest.mark.parametrize("failpoint", ["before_merge"])
def test_apply_osc_to_db_is_killed_and_goes_on(server: FeedServer, root: Path, tmp_path: Path, failpoint: str) -> None:
    for name, content in server.files.items():
        (tmp_path / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a" / name).write_bytes(content)
    arguments = (str(tmp_path / "a"), "0", "--meta=yes")
    killed = run("apply_osc_to_db", *arguments, failpoint=failpoint, OVERPASS_DB_DIR=str(root))
    assert killed.returncode == -signal.SIGKILL
    log = LinesOf(tmp_path / "log")
    Path(DatabaseDir(str(root)).apply_log).unlink()
    (tmp_path / "log").rename(DatabaseDir(str(root)).apply_log)
    with running("apply_osc_to_db", *arguments, OVERPASS_DB_DIR=str(root)) as process:
        log.until(lambda line: line.endswith("updating from 6"))
        process.terminate()
        process.wait()
    log.close()
    assert process.returncode == 15
    assert sequence_in(root) == 6


@pytest.mark.parametrize(
    ("module", "arguments", "status", "text"),
    [
        ("fetch_osc", [], 0, b"Usage: "),
        ("apply_osc_to_db", ["x", "1"], 0, b"Usage: "),
        ("apply_osc_to_db", ["x", "1", "--meta=maybe"], 0, b"You must specify --meta=yes or --meta=no"),
        ("fetch_osc_and_apply", [], 0, b"Usage: "),
        ("clone", [], 0, b"Usage: "),
        ("download_clone", ["--else"], 0, b"Unknown argument: --else"),
        ("apply_osc_to_db", ["x", "7", "--meta=yes"], 1, b"would leave a gap"),
        ("apply_osc_to_db", ["x", "auto", "--meta=attic"], 1, b"was made with --meta"),
    ],
)
def test_statuses(root: Path, module: str, arguments: list[str], status: int, text: bytes) -> None:
    done = run(module, *arguments, OVERPASS_DB_DIR=str(root))
    assert done.returncode == status
    assert text in (done.stderr if status else done.stdout)
    assert sequence_in(root) == 0
