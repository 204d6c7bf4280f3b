"""The page in shared memory: torn, stale, foreign, and written while it is read."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from osm3s.dispatch import status_page
from osm3s.dispatch.processes import start_ticks
from osm3s.dispatch.status_page import HEAD_BYTES, READERS_MAX, Page
from osm3s.dispatch.version import Version


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "page")


def test_what_is_written_is_read(path: str) -> None:
    page = Page(path, "/data/dbs/\u00f6sterreich", "/run/osm3s_osm_base")
    page.write(Version(2**40, "2026-11-21T20:40:38Z", "6543210"), 3, 77)
    status = status_page.read(path)
    assert status is not None and status.alive and status.pid == os.getpid()
    assert status.version == (2**40, "2026-11-21T20:40:38Z", "6543210")
    assert (status.active_readers, status.writer_pid) == (3, 77)
    assert (status.db_dir, status.socket_path) == ("/data/dbs/\u00f6sterreich", "/run/osm3s_osm_base")
    assert os.stat(path).st_mode & 0o777 == 0o644


def test_no_page_no_status(path: str) -> None:
    assert status_page.read(path) is None and status_page.survivors(path) == {}


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\0" * 65536, os.urandom(65536)])
def test_what_is_no_page_is_rejected(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)
    assert status_page.read(path) is None and status_page.survivors(path) == {}


def test_a_link_is_not_followed(path: str, tmp_path: Path) -> None:
    Page(path, "/db", "/socket")
    (tmp_path / "link").symlink_to(path)
    assert status_page.read(str(tmp_path / "link")) is None


@pytest.mark.parametrize("offset", [0, 8, 16, 24, 32, 50, 66, 130, 200, 330, HEAD_BYTES - 1])
def test_a_damaged_page_is_rejected(path: str, offset: int) -> None:
    Page(path, "/db", "/socket")
    content = bytearray(Path(path).read_bytes())
    content[offset] ^= 1
    Path(path).write_bytes(content)
    assert status_page.read(path) is None


def test_the_page_of_an_ended_process_is_stale(path: str) -> None:
    code = f"from osm3s.dispatch.status_page import Page; Page({path!r}, '/db', '/socket')"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    status = status_page.read(path)
    assert status is not None and not status.alive


def test_a_reused_pid_does_not_make_a_page_alive(path: str) -> None:
    page = Page(path, "/db", "/socket")
    page._ticks -= 1
    page.write(Version(), 0, 0)
    status = status_page.read(path)
    assert status is not None and not status.alive


def test_reading_while_it_is_written_never_gives_a_mixture(path: str) -> None:
    """A process writes as fast as it can; in what it writes all fields say the same number."""
    code = f"""if True:
        from osm3s.dispatch.status_page import Page
        from osm3s.dispatch.version import Version
        page = Page({path!r}, "/db", "/socket")
        print(flush=True)
        number = 0
        while True:
            number += 1
            page.write(Version(number, str(number), str(number)), number % 1000, number)
    """
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert writer.stdout is not None
    writer.stdout.readline()
    seen = set()
    try:
        while len(seen) < 30:
            status = status_page.read(path)
            if status is None:  # the writer was suspended amid writing for longer than a reader waits
                continue
            number = status.version.txn_id
            text = str(number) if number else ""
            assert status.version == (number, text, text)
            assert (status.active_readers, status.writer_pid) == (number % 1000, number)
            seen.add(number)
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()


@pytest.mark.parametrize("ended", [False, True])
def test_a_page_torn_by_a_crash_is_rejected(path: str, ended: bool) -> None:
    """At once if its dispatcher has ended, after a second if it seems to be suspended."""
    page = Page(path, "/db", "/socket")
    if ended:
        page.write(Version(), 0, 0, pid=0)
    with open(path, "r+b") as file:
        file.seek(16)
        file.write(struct.pack("=Q", 7))  # odd: being written, for ever
    assert status_page.read(path) is None


def test_listed_readers_survive(path: str) -> None:
    page = Page(path, "/db", "/socket")
    page.list_reader(1, os.getpid(), 9, start_ticks(os.getpid()))
    page.list_reader(2, os.getpid(), 7, start_ticks(os.getpid()))
    page.list_reader(3, os.getppid(), 8, start_ticks(os.getppid()))
    page.list_reader(3, os.getppid(), 11, start_ticks(os.getppid()))
    page.list_reader(4, 2**22 + 1, 1, 0)  # no such process
    assert status_page.survivors(path) == {os.getpid(): 7, os.getppid(): 11}
    page.unlist_reader(2)
    assert status_page.survivors(path) == {os.getpid(): 9, os.getppid(): 11}


def test_more_readers_than_places(path: str) -> None:
    page = Page(path, "/db", "/socket")
    for conn in range(READERS_MAX + 5):
        page.list_reader(conn, 1, conn, 0)
    page.unlist_reader(READERS_MAX + 1)
    page.unlist_reader(0)
    page.list_reader(-1, os.getpid(), 3, start_ticks(os.getpid()))
    assert status_page.survivors(path)[os.getpid()] == 3
