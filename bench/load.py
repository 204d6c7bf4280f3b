"""Many clients at once: a mixed load of the usual shapes of queries at rising concurrency.

    python -m bench.load [--size small|standard|large] [--keep DIR] [--clients 1,4,16] [--seconds S] [--sides ours]

With REFERENCE=<prefix> the reference serves the same data behind nginx and fcgiwrap, in turn with ours. Each client is
a process with one connection that sends its next query when it has its answer. The shares of the shapes are those of
real use: more than half are tags in a box with `out; >; out skel qt;`.
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench import cgi_server
from bench.data import SIZES, make_data
from bench.databases import Ours, Reference, Side
from bench.http_client import HttpClient, HttpError
from bench.measure import CommandFailed, resident_bytes_of_tree
from bench.places import PLACES
from bench.run import import_kept, say
from bench.table import commit, machine

PROJECT = Path(__file__).resolve().parent.parent
KEYS = ("amenity", "shop", "highway", "building", "name", "leisure")
BOX_DEG = 0.01
IDS_NEAR = 1000


class Shape(NamedTuple):
    share: int
    """Of a hundred queries."""
    name: str
    text: str


SHAPES = (
    Shape(35, "tags in a box, with their nodes", '[out:json][timeout:25];nwr["{key}"]({box});out;>;out skel qt;'),
    Shape(25, "a tag in a box", '[out:json][timeout:25];node["{key}"]({box});out;'),
    Shape(20, "an id", "[out:json];node({id});out;"),
    Shape(10, "around a place", '[out:json];nwr["{key}"](around:300,{place});out center;'),
    Shape(7, "ways and what they are part of", '[out:json];way["highway"]({box});(._;<;);out tags;'),
    Shape(3, "a count", '[out:json];nwr["{key}"];out count;'),
)


class Figures(NamedTuple):
    """Of one side at one number of clients."""

    latencies_s: list[float]
    errors: int
    seconds: float
    memory_bytes: tuple[int, int]
    """Of all its processes, before and after."""

    def row(self, side: str, clients: int) -> str:
        n, ordered = len(self.latencies_s), sorted(self.latencies_s)
        p50, p95, p99 = (ordered[min(n - 1, n * p // 100)] * 1000 if n else float("nan") for p in (50, 95, 99))
        before, after = (size / 2**20 for size in self.memory_bytes)
        return (
            f"| {side} | {clients} | {n / self.seconds:.0f} | {p50:.1f} | {p95:.1f} | {p99:.1f} | {self.errors} "
            f"| {n} | {before:.0f} → {after:.0f} |"
        )


def queries(places: dict[str, str], seed: int) -> Iterator[str]:
    """Without end; the same for the same seed."""
    chance = random.Random(seed)
    south, west, north, east = map(float, places["city"].split(","))
    while True:
        shape = chance.choices(SHAPES, [shape.share for shape in SHAPES])[0]
        lat, lon = chance.uniform(south, north), chance.uniform(west, east)
        yield shape.text.format(
            key=chance.choice(KEYS),
            box=f"{lat:.4f},{lon:.4f},{lat + BOX_DEG:.4f},{lon + BOX_DEG:.4f}",
            place=f"{lat:.4f},{lon:.4f}",
            id=int(places["node_id"]) + chance.randrange(IDS_NEAR),
        )


def client(port: int, places: dict[str, str], seed: int, until: float) -> tuple[list[float], int]:
    """Ask one query after the other until a time; latencies and the number of errors."""
    latencies, errors = [], 0
    with HttpClient(port, timeout_s=60) as connection:
        for text in queries(places, seed):
            started = time.perf_counter()
            if time.monotonic() >= until:
                return latencies, errors
            try:
                connection.query(text)
                latencies.append(time.perf_counter() - started)
            except (HttpError, OSError):
                errors += 1
                connection.close()
    raise AssertionError("there is always another query")


def load(port: int, places: dict[str, str], clients: int, seconds: float, memory: Callable[[], int]) -> Figures:
    before, until = memory(), time.monotonic() + seconds
    started, results = time.monotonic(), []
    for seed in range(clients):
        reading, writing = os.pipe()
        if os.fork() == 0:
            status = 1
            try:
                os.close(reading)
                with open(writing, "wb") as pipe:
                    pickle.dump(client(port, places, seed, until), pipe)
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        results.append(reading)
    latencies: list[float] = []
    errors = 0
    for reading in results:
        with open(reading, "rb") as pipe:
            of_client, of_errors = pickle.load(pipe)
        latencies += of_client
        errors += of_errors
    passed = time.monotonic() - started
    for _ in range(clients):
        os.wait()
    return Figures(latencies, errors, passed, (before, memory()))


@contextmanager
def serving(side: Side, clients: int, work: Path) -> Iterator[tuple[int, Callable[[], int]]]:
    """The port of a server, and what tells the memory of its processes. Raises CommandFailed."""
    if isinstance(side, Ours):
        with side.serving(work / "load-osm3s.log") as connection:
            yield connection.port, lambda: resident_bytes_of_tree(_server_of(side))
        return
    assert isinstance(side, Reference)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (
        side.dispatching(work / "load-dispatcher.log"),
        cgi_server.serving(side.prefix / "cgi-bin", port, clients, work / "load-nginx.log") as pids,
    ):
        yield port, lambda: sum(map(resident_bytes_of_tree, pids))


def allow_duplicates(side: Side) -> None:
    """Some texts come again, from what looks like one client."""
    command = [str(side.prefix / "bin" / "dispatcher"), "--osm-base", "--allow-duplicate-queries=yes"]
    environment = os.environ | {"OVERPASS_DB_DIR": f"{side.database}/"}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def _server_of(side: Ours) -> int:
    """pid of the server of this database, a child of this process."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    named = f"--db-dir={side.database}".encode()
    return next(int(pid) for pid in children if named in Path(f"/proc/{pid}/cmdline").read_bytes())


def run(arguments: argparse.Namespace, work: Path) -> list[str]:
    places, numbers = PLACES[arguments.size], [int(number) for number in arguments.clients.split(",")]
    pbf = make_data(arguments.size, work)
    sides: list[Side] = [Ours(work / f"{arguments.size}-osm3s")] if "ours" in arguments.sides else []
    if "reference" in arguments.sides and os.environ.get("REFERENCE"):
        sides.append(Reference(Path(os.environ["REFERENCE"]), work / f"{arguments.size}-reference"))
    lines = [
        f"Load on the {arguments.size} data at {commit(PROJECT)}, {arguments.seconds:g} s for each number of clients; "
        f"the reference behind nginx and fcgiwrap. {machine(work)['processor']}; load before: {machine(work)['load']}.",
        "",
        "| side | clients | requests/s | p50 ms | p95 ms | p99 ms | errors | requests | memory MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for side in sides:
        import_kept(side, pbf, work)
        for clients in numbers:
            say(f"{side.name}: {clients} clients")
            with serving(side, clients, work) as (port, memory):
                load(port, places, clients, min(1.0, arguments.seconds), memory)  # until caches are warm
                allow_duplicates(side)
                lines.append(load(port, places, clients, arguments.seconds, memory).row(side.name, clients))
    return lines


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.load", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--keep", type=Path, help="keep data and databases here and use what is here already")
    parser.add_argument("--clients", default="1,4,16")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--sides", default="ours,reference")
    arguments = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="osm3s-load-") as temporary:
        work = arguments.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        try:
            lines = run(arguments, work)
        except CommandFailed as error:
            say(str(error))
            return 1
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
