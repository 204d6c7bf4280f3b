"""The command line of `dispatcher`, and what one process may find that another has left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from osm3s.cli.dispatcher import HELP, main, parse
from osm3s.dispatch.client import DispatcherClient, is_running
from osm3s.errors import DispatcherError
from osm3s.paths import DatabaseDir
from osm3s.paths import status_page as page_path

from .conftest import PROJECT, Site, eventually

IDLE_STATUS = """\
Number of not yet opened connections: 0
Number of connected clients: 1
Rate limit: 0
Total available space: 12884901888
Total claimed space: 0
Average claimed space: 0
Total available time units: 262144
Total claimed time units: 0
Average claimed time units: 0
Counter of started requests: 0
Counter of finished requests: 0
Counter of load shedded requests: 0
Counter of rate limited requests: 0
Counter of as duplicate rejected requests: 0
"""


def test_a_whole_life_in_the_background(site: Site) -> None:
    started = site.run("--osm-base", "--daemon", "--server-name=https://example.org/api/")
    assert (started.returncode, started.stdout, started.stderr) == (0, "", "")
    path = DatabaseDir(site.db_dir).socket()
    assert os.stat(path).st_mode & 0o777 == 0o666
    assert os.stat(DatabaseDir(site.db_dir).database_log).st_mode & 0o777 == 0o666
    assert Path(site.db_dir, "server_name").read_text() == "https://example.org/api/\n"
    assert is_running(site.db_dir)

    assert site.run("--status", db=False).stdout == IDLE_STATUS
    assert site.run("--show-dir", db=False).stdout == site.db_dir + "/"

    second = site.run("--osm-base")
    assert second.returncode == 2 and second.stdout == ""
    assert re.fullmatch(
        rf"a dispatcher \(process \d+\) is already running for {site.db_dir}; --terminate stops it\n", second.stderr
    )

    ended = site.run("--osm-base", "--terminate", db=False)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert not is_running(site.db_dir) and not list(site.shm_dir.iterdir())
    left = sorted(entry.name for entry in Path(site.db_dir).iterdir())
    assert left == ["database.log", "server_name", "transactions.log"]
    for name in ("database.log", "transactions.log"):
        first = Path(site.db_dir, name).read_text().splitlines()[0]
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[\d+\] Dispatcher version 0\.7\.62 [0-9a-f]{40} just started\.", first
        )


def test_status_of_queries(site: Site) -> None:
    dispatcher = site.start("--rate-limit=2", "--space=1000000", "--time=500", "--allow-duplicate-queries=yes")
    with site.client() as client, client.reading(90, 4096, "out;", "1.2.3.4") as session:
        opening = site.run("--status", db=False).stdout.splitlines()
        session.opened(0)
        reading = site.run("--status").stdout.splitlines()
        token, rate_limit, queries, cooldowns = client.my_status("1.2.3.4")
        assert client.query_by_token(0x01020304) == os.getpid() and client.query_by_token(5) == 0
    with site.client() as client:
        for asked in (1, 2):
            with client.reading(90, 4096, "out;", "1.2.3.5"):
                assert [query[-1] for query in client.my_status("1.2.3.5").queries] == [asked]
    assert opening[2:5] == ["Rate limit: 2", "Total available space: 1000000", "Total claimed space: 4096"]
    assert opening[6:8] == ["Total available time units: 500", "Total claimed time units: 90"]
    assert re.fullmatch(rf"131334 {os.getpid()} 16909060 4096 90 \d{{10}}", opening[14]) and len(opening) == 15
    assert re.fullmatch(rf"131584 {os.getpid()} 16909060 4096 90 \d{{10}}", reading[14])
    assert reading[15:] == [f"pending\t{os.getpid()}"]
    assert (token, rate_limit, cooldowns) == (0x01020304, 2, [])
    assert queries == [(131584, os.getpid(), 90, 4096, int(reading[14].split()[-1]), 1)]
    site.logged(f"[{os.getpid()}] requesting out;", "transactions.log")
    site.logged(" 16909060 1.2.3.4 0", "transactions.log")
    site.logged(f"[{dispatcher.pid}] query_my_status by process {os.getpid()}.")


def test_limits_change_at_run_time(site: Site) -> None:
    site.start()
    changed = site.run("--rate-limit=7", "--space=99", "--allow-duplicate-queries=no", db=False)
    assert (changed.returncode, changed.stdout) == (0, "")
    assert site.run("--server-name=here", db=False).returncode == 0
    assert Path(site.db_dir, "server_name").read_text() == "here\n"
    with site.client() as client:
        lines = client.status().splitlines()
    assert lines[2:4] == ["Rate limit: 7", "Total available space: 99"]
    assert lines[6] == "Total available time units: 262144"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_stranger_may_read_but_not_operate(monkeypatch: pytest.MonkeyPatch) -> None:
    with TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        site = Site(Path(root))
        monkeypatch.setenv("OSM3S_SHM_DIR", str(site.shm_dir))
        dispatcher = site.start()
        os.seteuid(65534)
        try:
            with DispatcherClient.connect() as client:
                with client.reading(query_text="out;"):
                    assert "131334 " in client.status()
                for operation in (client.terminate, client.set_limits, lambda: client.purge(1)):
                    with pytest.raises(DispatcherError, match="only root"):
                        operation()
        finally:
            os.seteuid(0)
        assert dispatcher.kill(signal.SIGTERM) == 0
        for stream in (dispatcher.popen.stdin, dispatcher.popen.stdout, dispatcher.popen.stderr):
            if stream is not None:
                stream.close()


def test_query_token_and_purge(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.start()
    monkeypatch.setenv("REMOTE_ADDR", "9.9.9.9")
    assert site.run("--query_token").stdout == ""
    reader = site.participant()
    reader.ask("read")
    monkeypatch.setenv("REMOTE_ADDR", "1.2.3.4")
    assert site.run("--query_token").stdout == f"{reader.pid}\n"
    assert site.run(f"--purge={reader.pid}").returncode == 0
    assert site.run("--query_token").stdout == ""


def test_nobody_there(site: Site) -> None:
    for option in ("--status", "--terminate", "--show-dir", "--purge=1", "--rate-limit=1"):
        answer = site.run(option, db=False)
        assert answer.stdout == "File_Error No such file or directory 2 /osm3s_osm_base Dispatcher_Client::1\n"
        assert answer.returncode == 2 and answer.stderr.startswith("no dispatcher is running")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--bla"], "Unknown argument: --bla"),
        (["--db_dir=x"], "Unknown argument: --db_dir=x"),
        (["x"], "Unknown argument: x"),
        (["--status=1"], "Wrong value: --status=1"),
        (["--purge"], "Wrong value: --purge"),
        (["--purge=-1"], "Wrong value: --purge=-1"),
        (["--purge=9999999999999999999"], "Wrong value: --purge=9999999999999999999"),
        (["--space=1k"], "Wrong value: --space=1k"),
        (["--space=18446744073709551616"], "Wrong value: --space=18446744073709551616"),
        (["--purge-timeout=0"], "Wrong value: --purge-timeout=0"),
        (["--db-dir="], "Wrong value: --db-dir="),
        (["--allow-duplicate-queries=maybe"], "Wrong value: --allow-duplicate-queries=maybe"),
        (["--osm-base", "--areas"], '"--areas" and "--osm-base" need separate instances.'),
        (["--areas", "--meta"], '"--areas" and "--meta" cannot be combined.'),
        (["--osm-base", "--meta", "--attic"], '"--attic" and "--meta" cannot be combined.'),
        (["--osm-base"], "Nothing to do: starting needs --osm-base or --areas, and --db-dir=DIR."),
        ([], "Nothing to do: starting needs --osm-base or --areas, and --db-dir=DIR."),
    ],
)
def test_wrong_usage(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.splitlines()[0] == complaint and err.splitlines()[1].startswith("Usage: dispatcher ")


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    from osm3s.cli.dispatcher import FLAGS

    assert main(["--help"]) == 0 and capsys.readouterr().out == HELP
    assert [flag for flag in FLAGS if flag not in HELP] == ["--help"]


def test_options_are_parsed() -> None:
    options = parse(["--osm-base", "--attic", "--db-dir=/a=b", "--space=5", "--allow-duplicate-queries=no"])
    assert (options.osm_base, options.attic, options.db_dir, options.space) == (True, True, "/a=b", 5)
    assert options.allow_duplicate_queries is False and options.rate_limit == -1
    assert parse(["--areas"]).domain == "areas"


def test_a_directory_that_is_none(site: Site) -> None:
    Path(site.db_dir).rmdir()
    for daemon in ([], ["--daemon"]):
        answer = site.run("--osm-base", *daemon)
        assert answer.returncode == 2 and "is not a directory" in answer.stderr


def test_everything_left_by_a_killed_dispatcher_is_taken_over(site: Site) -> None:
    first = site.start()
    first.kill()
    assert os.path.exists(DatabaseDir(site.db_dir).socket()) and os.path.exists(page_path())
    assert not is_running(site.db_dir)
    assert "File_Error" in site.run("--status", db=False).stdout
    site.start()
    assert site.run("--show-dir", db=False).stdout == site.db_dir + "/"


def test_garbage_in_the_place_of_its_files(site: Site) -> None:
    db = DatabaseDir(site.db_dir)
    for path in (db.socket(), db.dispatcher_instance(), db.lock, page_path(), page_path(site.db_dir)):
        Path(path).write_bytes(b"garbage")
    site.start()
    with site.client() as client:
        assert client.status() == IDLE_STATUS
    eventually(lambda: not os.path.exists(db.lock))


def test_a_lock_whose_pid_belongs_to_somebody_else_by_now(site: Site) -> None:
    """The lock is older than the process that has its pid: that process is not the writer."""
    site.start()
    other = site.participant()
    lock = Path(DatabaseDir(site.db_dir).lock)
    with site.client() as client:
        client.terminate()
    lock.write_text(f"{other.pid}\n")
    os.utime(lock, (1e9, 1e9))
    site.start()
    assert site.participant().ask("write") == "0" and other.running()


def test_two_databases_on_one_machine(site: Site, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    other = Site(tmp_path / "two")
    other.shm_dir = site.shm_dir
    try:
        site.start()
        other.start()
        assert DispatcherClient.connect().db_dir == other.db_dir  # the one started last
        assert DispatcherClient.connect(site.db_dir).db_dir == site.db_dir
        assert site.run("--terminate").returncode == 0
        assert DispatcherClient.connect().db_dir == other.db_dir
        assert other.run("--terminate").returncode == 0
        assert not list(site.shm_dir.iterdir())
    finally:
        for process in other.processes:
            if process.running():
                process.kill()


def test_the_socket_elsewhere(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    site.start(f"--socket-dir={sockets}")
    assert (sockets / "osm3s_osm_base").exists() and not os.path.exists(DatabaseDir(site.db_dir).socket())
    assert DispatcherClient.connect().db_dir == site.db_dir
    monkeypatch.setenv("OVERPASS_DB_DIR", site.db_dir)
    monkeypatch.setenv("OVERPASS_SOCKET_DIR", str(sockets))
    assert DispatcherClient.connect().db_dir == site.db_dir
    refused = site.run("--osm-base")  # another socket, the same database
    assert refused.returncode == 2 and "already running" in refused.stderr
    assert site.run("--terminate", db=False).returncode == 0
    assert not list(sockets.iterdir())


def test_a_socket_path_that_is_too_long(site: Site, tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    answer = site.run("--osm-base", f"--socket-dir={long}")
    assert answer.returncode == 2 and "--socket-dir=" in answer.stderr and answer.stderr.count("\n") == 1


def test_with_the_storage_it_is_made_for(site: Site) -> None:
    """An empty directory has nothing to recover, and the permission to write it is given."""
    options = ["--osm-base", f"--db-dir={site.db_dir}", "--daemon"]
    subprocess.run([sys.executable, "-m", "osm3s.cli.dispatcher", *options], cwd=PROJECT, check=True)
    with site.client() as client:
        with client.writing() as session:
            assert session.version == (0, "", "")
        client.terminate()
    assert not any("recovery" in line for line in site.log())


def test_interrupt_from_the_keyboard_is_an_orderly_end(site: Site) -> None:
    assert site.start().kill(signal.SIGINT) == 0
    assert not list(site.shm_dir.iterdir())


def test_the_client_needs_neither_asyncio_nor_numpy() -> None:
    code = "import sys, osm3s.dispatch.client; print({'asyncio', 'uvloop', 'numpy', 'lmdb'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert answer.stdout == "set()\n"


def test_no_dispatcher_is_the_reference_s_error(site: Site) -> None:
    with pytest.raises(DispatcherError) as caught:
        DispatcherClient.connect(site.db_dir)
    error = caught.value
    assert (error.origin, error.errno, error.file) == ("Dispatcher_Client::1", 2, "/osm3s_osm_base")
