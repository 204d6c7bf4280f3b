"""A system under load: filled, serving, and meanwhile changed all the time, as its operators would do it."""

from __future__ import annotations

import mmap
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import cgi_server
from bench.databases import PROJECT, Ours, Reference, Side, connects, stop, wait_until
from bench.http_client import HttpClient
from bench.load_mix import DATA_TIMESTAMP, write_data
from bench.measure import CommandFailed, run_measured
from bench.run import say

LIMITS = ("--allow-duplicate-queries=yes", f"--space={1 << 36}")
"""Of both dispatchers: some queries come again, from what looks like one client, and 64 of them claim 32 GiB."""
UPDATE_EVERY_S = 5.0
RULES_PAUSE_S = 3.0
"""Between two runs of the rules, as in the reference's rules_loop.sh."""
FIRST_ID = 20_000_000_000
CHANGE = """\
<osmChange version="0.6"><modify>
{nodes}<way id="{first}" version="{number}" timestamp="{time}" changeset="1" uid="1" user="load">{refs}</way>
<relation id="{first}" version="{number}" timestamp="{time}" changeset="1" uid="1" user="load">
<member type="way" ref="{first}" role="outer"/><tag k="type" v="multipolygon"/><tag k="name" v="load {number}"/>
</relation></modify></osmChange>
"""


class Serving:
    """`pids`: the roots of all its processes."""

    def __init__(self, port: int, pids: list[int], changes: mmap.mmap) -> None:
        self.port = port
        self._pids = pids
        self._changes = changes

    def changes(self) -> tuple[int, int]:
        """Updates and, where they are made by themselves, runs of the rules so far."""
        return struct.unpack_from("=qq", self._changes)

    def own_bytes(self) -> int:
        """Memory of all its processes that is theirs: no page of a file, and none counted twice."""
        return sum(own_bytes_of_tree(pid) for pid in self._pids)

    def own_bytes_by_generation(self) -> list[int]:
        """Of the roots one by one, of their children together, and of all others."""
        children = [child for pid in self._pids for child in children_of(pid)]
        grandchildren = [own_bytes_of_tree(grandchild) for child in children for grandchild in children_of(child)]
        return [*map(own_bytes_of, self._pids), sum(map(own_bytes_of, children)), sum(grandchildren)]


def own_bytes_of_tree(root: int) -> int:
    return own_bytes_of(root) + sum(map(own_bytes_of_tree, children_of(root)))


def own_bytes_of(pid: int) -> int:
    """0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))


def children_of(pid: int) -> list[int]:
    try:
        tasks = [Path(f"/proc/{pid}/task/{task}/children").read_text() for task in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []
    return [int(child) for children in tasks for child in children.split()]


def fill(side: Side, work: Path) -> None:
    """Import the data and make its areas, unless that has been done. Raises CommandFailed."""
    done = side.database.with_suffix(".filled")
    if done.exists():
        return
    data, rules = write_data(work)
    side.make_empty()
    update = [
        side.prefix / "bin" / "update_database",
        f"--db-dir={side.database}",
        "--meta",
        f"--version={DATA_TIMESTAMP}",
    ]
    run_measured(update, log=work / f"{side.name}-import.log", stdin_path=data)
    if isinstance(side, Reference):
        make_areas = [side.prefix / "bin" / "osm3s_query", f"--db-dir={side.database}", "--rules", "--concise"]
        run_measured(make_areas, log=work / "rules.log", stdin_path=rules)
    done.touch()


@contextmanager
def serving(side: Side, clients: int, work: Path) -> Iterator[Serving]:
    """A server for so many clients, and updates until it is told to stop. Raises CommandFailed."""
    with ExitStack() as stack:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if isinstance(side, Ours):
            pids = stack.enter_context(_ours(side, port, work))
        else:
            assert isinstance(side, Reference)
            pids = stack.enter_context(_reference(side, port, clients, work))
        changes = mmap.mmap(-1, 16)
        loops = [lambda: _keep_updating(side, work, changes)]
        if isinstance(side, Reference):
            loops.append(lambda: _keep_running_rules(side, work, changes))
        for loop in loops:
            stack.enter_context(_in_a_process(loop))
        yield Serving(port, pids, changes)


@contextmanager
def _ours(side: Ours, port: int, work: Path) -> Iterator[list[int]]:
    # A directory of its own for the status page: the default name in /dev/shm is the reference's as well.
    pages = Path(tempfile.mkdtemp(prefix="osm3s-load-", dir="/dev/shm"))
    programs = [
        [PROJECT / "bin" / "dispatcher", "--osm-base", *LIMITS],
        [PROJECT / "bin" / "osm3s_server", f"--port={port}", *side.options],
    ]
    started: list[subprocess.Popen[bytes]] = []
    log = work / "load-osm3s.log"
    with open(log, "wb") as output:
        try:
            for program, ready in zip(programs, (_dispatcher_ready(side), lambda: connects_to(port)), strict=True):
                command = [*map(str, program), f"--db-dir={side.database}"]
                environment = os.environ | {"OSM3S_SHM_DIR": str(pages)}
                started.append(subprocess.Popen(command, stdout=output, stderr=output, env=environment))
                wait_until(ready, started[-1], log)
            yield [process.pid for process in started]
        finally:
            for process in reversed(started):
                stop(process)
            shutil.rmtree(pages, ignore_errors=True)


def _dispatcher_ready(side: Ours) -> Callable[[], bool]:
    from osm3s.dispatch.client import is_running

    return lambda: is_running(str(side.database))


def connects_to(port: int) -> bool:
    with HttpClient(port) as client:
        return connects(client)


@contextmanager
def _reference(side: Reference, port: int, clients: int, work: Path) -> Iterator[list[int]]:
    with ExitStack() as stack:
        pids = []
        for domain in ("--osm-base", "--areas"):
            pids.append(stack.enter_context(side.dispatching(work / f"load-dispatcher{domain}.log", domain)))
        command = [str(side.prefix / "bin" / "dispatcher"), "--osm-base", *LIMITS]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        cgi = cgi_server.serving(side.prefix / "cgi-bin", port, clients, work / "load-nginx.log")
        yield [*pids, *stack.enter_context(cgi)]


@contextmanager
def _in_a_process(loop: Callable[[], None]) -> Iterator[None]:
    """Ended by SIGTERM, after which the loop finishes what it is at."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            loop()
            status = 0
        except (CommandFailed, OSError) as error:
            say(str(error))
        finally:
            os._exit(status)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGTERM)
        _, status = os.waitpid(pid, 0)
        if status != 0:
            raise CommandFailed("what changes the data during the load has failed")


class _Told:
    """Whether SIGTERM has come."""

    def __init__(self) -> None:
        self.stop = False
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, _number: int, _frame: object) -> None:
        self.stop = True

    def wait(self, until: float) -> None:
        while not self.stop and time.monotonic() < until:
            time.sleep(0.05)


def _keep_updating(side: Side, work: Path, changes: mmap.mmap) -> None:
    """Move an area far from all other data, every few seconds."""
    told = _Told()
    batch = work / f"{side.name.split()[0]}-changes"
    shutil.rmtree(batch, ignore_errors=True)
    batch.mkdir()
    place = [f"--db-dir={side.database}"] if isinstance(side, Ours) else []
    command = [side.prefix / "bin" / "update_from_dir", f"--osc-dir={batch}", *place, "--meta"]
    first_number = int(time.time())  # versions go up in further runs on the same database, too
    for number in range(first_number, first_number + 1_000_000):
        begun = time.monotonic()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        (batch / "1.osc").write_text(change(number, stamp))
        run_measured([*command, f"--version={stamp}"], log=work / f"{batch.name}.log")
        struct.pack_into("=q", changes, 0, number - first_number + 1)
        told.wait(begun + UPDATE_EVERY_S)
        if told.stop:
            return


def change(number: int, stamp: str) -> str:
    """A square in the Southern Ocean, each time somewhere else."""
    lat, lon = -60.0 - number % 100 / 100, 100.0
    corners = [(lat, lon), (lat, lon + 0.01), (lat + 0.01, lon + 0.01), (lat + 0.01, lon)]
    nodes = "".join(
        f'<node id="{FIRST_ID + index}" version="{number}" timestamp="{stamp}" changeset="1" uid="1" user="load" '
        f'lat="{y:.7f}" lon="{x:.7f}"/>\n'
        for index, (y, x) in enumerate(corners)
    )
    refs = "".join(f'<nd ref="{FIRST_ID + index % 4}"/>' for index in range(5))
    return CHANGE.format(nodes=nodes, refs=refs, first=FIRST_ID // 10, number=number, time=stamp)


def _keep_running_rules(side: Side, work: Path, changes: mmap.mmap) -> None:
    """As rules_loop.sh does; our areas follow the updates by themselves."""
    told = _Told()
    _, rules = write_data(work)
    runs = 0
    while not told.stop:
        run_measured(
            [side.prefix / "bin" / "osm3s_query", "--rules", "--concise"], log=work / "rules.log", stdin_path=rules
        )
        runs += 1
        struct.pack_into("=q", changes, 8, runs)
        told.wait(time.monotonic() + RULES_PAUSE_S)
