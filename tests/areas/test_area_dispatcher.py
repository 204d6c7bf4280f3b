"""A dispatcher of its own for the areas: permission, recovery, control, beside that of the map."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from outlines import follow, stored
from test_follow import START
from update.osm_xml import change_file, osm_file
from update.programs import run
from update.small_worlds import changed

from osm3s.paths import DatabaseDir

MOVED = START[0]._replace(position=(-5, -5))


class Site:
    def __init__(self, folder: Path) -> None:
        self.root, self.shm = folder / "db", folder / "shm"
        self.shm.mkdir()

    def run(self, program: str, *arguments: str, **options: object) -> CompletedProcess[bytes]:
        return run(program, *arguments, OSM3S_SHM_DIR=str(self.shm), **options)  # type: ignore[arg-type]

    def dispatcher(self, *arguments: str) -> CompletedProcess[bytes]:
        return self.run("dispatcher", *arguments)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A filled database with both dispatchers."""
    site = Site(tmp_path)
    assert site.run("update_database", f"--db-dir={site.root}", stdin=osm_file(START)).returncode == 0
    for role in ("--osm-base", "--areas"):
        answer = site.dispatcher(role, f"--db-dir={site.root}", "--daemon")
        assert answer.returncode == 0, answer.stderr
    yield site
    for role in ("--areas", "--osm-base"):
        site.dispatcher(role, "--terminate", f"--db-dir={site.root}")


def expected(*changes: list) -> dict:  # type: ignore[type-arg]
    world = changed({}, START)
    areas = follow({}, world)
    for change in changes:
        world = changed(world, change)
        areas = follow(areas, world)
    return areas


def logged(site: Site, text: str, times: int) -> int:
    """How often the log has it, once it has it so often: dispatchers write their lines a moment later."""
    path, give_up_s = Path(DatabaseDir(str(site.root)).database_log), time.monotonic() + 60
    while (found := path.read_text().count(text)) < times and time.monotonic() < give_up_s:
        time.sleep(0.01)
    return found


def test_both_dispatchers_serve_one_directory(site: Site) -> None:
    assert site.dispatcher("--areas", "--show-dir").stdout == f"{site.root}/".encode()
    assert os.path.exists(DatabaseDir(str(site.root)).areas.socket())
    status = site.dispatcher("--areas", "--status")
    assert status.returncode == 0 and status.stdout
    again = site.dispatcher("--areas", f"--db-dir={site.root}")
    assert again.returncode == 2 and b"is already running" in again.stderr
    assert site.run("update_database", stdin=change_file([MOVED])).returncode == 0
    assert stored(site.root) == expected([MOVED])
    assert logged(site, "write_commit of process", 2) == 2, "one by each dispatcher"
    assert site.dispatcher("--areas", "--terminate").returncode == 0
    assert not os.path.exists(DatabaseDir(str(site.root)).areas.socket())
    assert site.dispatcher("--areas", "--status").returncode != 0
    assert site.dispatcher("--osm-base", "--status").returncode == 0
    assert site.run("update_database", stdin=change_file([START[0]])).returncode == 0
    assert stored(site.root) == expected([MOVED], [START[0]])


def test_the_dispatcher_of_the_areas_recovers_them(site: Site) -> None:
    killed = site.run("update_database", stdin=change_file([MOVED]), failpoint="before_merge:2")
    assert killed.returncode == -signal.SIGKILL
    assert site.run("update_database", stdin=change_file([])).returncode == 0
    assert stored(site.root) == expected([MOVED])
    assert logged(site, "rolled_forward", 1)


@pytest.mark.parametrize("place", ["recovery_after_merge", "recovery_after_mirrors"])
def test_a_dispatcher_that_is_killed_while_it_recovers(site: Site, place: str) -> None:
    assert site.dispatcher("--areas", "--terminate").returncode == 0
    killed = site.run("update_database", stdin=change_file([MOVED]), failpoint="before_merge:2")
    assert killed.returncode == -signal.SIGKILL
    start = ("dispatcher", "--areas", f"--db-dir={site.root}")
    assert site.run(*start, failpoint=place).returncode == -signal.SIGKILL
    assert site.run(*start, "--daemon").returncode == 0
    assert stored(site.root) == expected([MOVED])
    assert site.run("update_database", stdin=change_file([START[0]])).returncode == 0
    assert stored(site.root) == expected([MOVED], [START[0]])
