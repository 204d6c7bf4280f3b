"""Many clients at once: the cases of the conformance kit at rising concurrency, while the data changes all the time.

    python -m bench.load --keep DIR [--clients 1,4,16,64] [--seconds 12] [--sides osm3s,reuse,reference]
    python -m bench.load --keep DIR --memory 100000        memory after every tenth of so many requests; of ours only

With REFERENCE=<prefix> the reference serves the same data behind nginx and fcgiwrap, in turn with ours. Each client is
a process with one connection that sends its next query when it has its answer; every answer is compared with the one
that the same server gave before the load, so what is lost, cut off or refused is counted. The whole run is kept in
bench/results/load.md or load-memory.md.
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.databases import Ours, Reference, Side
from bench.http_client import HttpClient, HttpError
from bench.load_mix import FAMILY, Question, digest, questions
from bench.load_sides import Serving, fill, serving
from bench.measure import CommandFailed
from bench.run import say
from bench.table import commit, machine

PROJECT = Path(__file__).resolve().parent.parent
RESULTS = PROJECT / "bench" / "results"
ASKED_THROUGHPUT, ASKED_SMALL_P50_MS = 15.0, 2.0
WARM_UP_S = 1.0
MEMORY_CLIENTS, MEMORY_PARTS = 8, 10
HEAD = """\
| side | clients | requests/s | p50 ms | p95 ms | p99 ms | small p50 | lost | other | requests | MB | updates, rules |
|---|---|---|---|---|---|---|---|---|---|---|---|"""
MEMORY_HEAD = """\
| side | requests | requests/s | p95 ms | lost | other | updates | dispatcher | web server | parent | its processes |
|---|---|---|---|---|---|---|---|---|---|---|"""
GoOn = Callable[[int], bool]
"""Whether a client that has its n-th answer asks again; also whether that answer counts for the throughput."""


class Figures(NamedTuple):
    """Of one side at one number of clients; times in seconds."""

    side: str
    clients: int
    latencies: list[float]
    small: list[float]
    lost: int
    other: int
    within: int
    """Answers that were complete while all clients were still asking: the last ones compete with fewer others."""
    seconds: float
    """So long all clients were asking."""
    own_bytes: int
    changes: tuple[int, int]

    @property
    def throughput(self) -> float:
        return self.within / self.seconds

    def row(self) -> str:
        p50, p95, p99 = (1000 * percentile(self.latencies, p) for p in (50, 95, 99))
        return (
            f"| {self.side} | {self.clients} | {self.throughput:.0f} | {p50:.1f} | {p95:.1f} | {p99:.1f} "
            f"| {1000 * percentile(self.small, 50):.1f} | {self.lost} | {self.other} | {len(self.latencies)} "
            f"| {self.own_bytes / 2**20:.0f} | {self.changes[0]}, {self.changes[1]} |"
        )


def percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)] if values else float("nan")


def ask(connection: HttpClient, text: str) -> bytes:
    """The body. Raises HttpError and OSError."""
    answer = bytearray()
    connection.query(text, answer.extend)
    return bytes(answer)


def answers_at_rest(port: int, asked: list[Question]) -> list[bytes]:
    """What the server answers while nobody else asks, as digests. Raises HttpError."""
    with HttpClient(port, timeout_s=300) as connection:
        return [digest(ask(connection, question.text)) for question in asked]


def client(
    port: int, asked: list[Question], right: list[bytes], seed: int, go_on: GoOn
) -> tuple[list[float], list[float], int, int, int]:
    """All questions in an order of its own, again and again: latencies, those of small answers, answers that were
    lost, that were others, and that came while the client still had to ask."""
    latencies: list[float] = []
    small: list[float] = []
    lost = other = within = 0
    order = list(range(len(asked)))
    chance = random.Random(seed)
    with HttpClient(port, timeout_s=120) as connection:
        connection.connect()
        while True:
            chance.shuffle(order)
            for index in order:
                if not go_on(len(latencies)):
                    return latencies, small, lost, other, within
                begun = time.perf_counter()
                try:
                    answer = ask(connection, asked[index].text)
                except (HttpError, OSError):
                    lost += 1
                    connection.close()
                    continue
                latencies.append(time.perf_counter() - begun)
                within += go_on(len(latencies) - 1)
                if asked[index].small:
                    small.append(latencies[-1])
                other += digest(answer) != right[index]


def load(
    name: str, served: Serving, asked: list[Question], right: list[bytes], clients: int, go_on: GoOn, seconds: float = 0
) -> Figures:
    """`seconds`: until when `go_on` says so; 0: until every client has had its number of answers."""
    begun, results = time.monotonic(), []
    for seed in range(clients):
        reading, writing = os.pipe()
        if os.fork() == 0:
            status = 1
            try:
                os.close(reading)
                with open(writing, "wb") as pipe:
                    pickle.dump(client(served.port, asked, right, seed, go_on), pipe)
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        results.append(reading)
    latencies: list[float] = []
    small: list[float] = []
    lost = other = within = 0
    for reading in results:
        with open(reading, "rb") as pipe:
            found = pickle.load(pipe)
        latencies += found[0]
        small += found[1]
        lost, other, within = lost + found[2], other + found[3], within + found[4]
    seconds = seconds or time.monotonic() - begun
    return Figures(name, clients, latencies, small, lost, other, within, seconds, served.own_bytes(), served.changes())


def until(seconds: float) -> GoOn:
    end = time.monotonic() + seconds
    return lambda _: time.monotonic() < end


def table(sides: list[Side], numbers: list[int], seconds: float, work: Path) -> list[str]:
    asked, figures, lines, notes = questions(), [], [], []
    for side in sides:
        fill(side, work)
        with serving(side, max(numbers), work) as served:
            right = answers_at_rest(served.port, asked)
            same = sum(question.expected == found for question, found in zip(asked, right, strict=True))
            notes.append(f"{side.name} gives {same} of {len(asked)} answers as the kit has them.")
            for clients in numbers:
                say(f"{side.name}: {clients} clients")
                load(side.name, served, asked, right, clients, until(WARM_UP_S))
                figures.append(load(side.name, served, asked, right, clients, until(seconds), seconds))
                lines.append(figures[-1].row())
                say(lines[-1])
    return [*notes, "", HEAD, *lines, "", *verdicts(figures)]


def verdicts(figures: list[Figures]) -> list[str]:
    """Ours against the reference at equal p95, and small queries of a single client."""
    lines = []
    for name in dict.fromkeys(found.side for found in figures if found.side.startswith("osm3s")):
        ours = [found for found in figures if found.side == name]
        for theirs in (found for found in figures if found.side == "reference"):
            p95 = percentile(theirs.latencies, 95)
            within = [found.throughput for found in ours if percentile(found.latencies, 95) <= p95]
            times = max(within, default=0.0) / theirs.throughput
            verdict = "pass" if times >= ASKED_THROUGHPUT else "miss"
            lines.append(
                f"- {name}: {times:.1f} times the throughput of the reference with {theirs.clients} clients, at no "
                f"higher p95 ({1000 * p95:.0f} ms). Asked: {ASKED_THROUGHPUT:.0f}: {verdict}"
            )
        alone = 1000 * percentile(ours[0].small, 50)
        verdict = "pass" if alone < ASKED_SMALL_P50_MS else "miss"
        lines.append(
            f"- {name}: p50 of answers up to 2 KB with {ours[0].clients} client(s): {alone:.2f} ms. "
            f"Asked: {ASKED_SMALL_P50_MS:.0f} ms: {verdict}"
        )
    return lines


def memory(sides: list[Side], requests: int, work: Path) -> list[str]:
    """What every part of so many requests leaves behind; memory in KB."""
    asked, lines = questions(), ["Memory of each kind of process, in KB:", "", MEMORY_HEAD]
    each = requests // MEMORY_PARTS // MEMORY_CLIENTS
    for side in sides:
        fill(side, work)
        with serving(side, MEMORY_CLIENTS, work) as served:
            right = answers_at_rest(served.port, asked)
            for part in range(1, MEMORY_PARTS + 1):
                found = load(side.name, served, asked, right, MEMORY_CLIENTS, lambda n: n < each)
                kilobytes = " | ".join(str(held // 1024) for held in served.own_bytes_by_generation())
                lines.append(
                    f"| {side.name} | {part * each * MEMORY_CLIENTS} | {found.throughput:.0f} "
                    f"| {1000 * percentile(found.latencies, 95):.1f} | {found.lost} | {found.other} "
                    f"| {found.changes[0]} | {kilobytes} |"
                )
                say(lines[-1])
    return lines


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.load", description=__doc__)
    parser.add_argument("--keep", type=Path, help="keep data and databases here and use what is here already")
    parser.add_argument("--clients", default="1,4,16,64")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--sides", default="osm3s,reuse,reference")
    parser.add_argument("--memory", type=int, default=0, metavar="REQUESTS")
    parser.add_argument("--results", type=Path, default=RESULTS, help="directory for the table")
    arguments = parser.parse_args(words)
    wanted = arguments.sides.split(",")
    with tempfile.TemporaryDirectory(prefix="osm3s-load-") as temporary:
        work = (arguments.keep or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        sides: list[Side] = [Ours(work / "load-osm3s")] if "osm3s" in wanted else []
        if "reuse" in wanted:
            sides.append(Ours(work / "load-osm3s", options=("--reuse=250",)))
        if "reference" in wanted and os.environ.get("REFERENCE"):
            sides.append(Reference(Path(os.environ["REFERENCE"]), work / "load-reference"))
        facts = machine(work)
        head = [
            f"# Load, commit {commit(PROJECT)}, {facts['date']}",
            "",
            f"Machine: {', '.join(facts[name] for name in ('processor', 'memory', 'kernel', 'disk'))}; "
            f"load at the start {facts['load']}. The clients run on the same processors.",
            f"Data and queries: {FAMILY} of the conformance kit, every case as often as any other. Small: answers "
            "up to 2 KB. Lost: refused, cut off or none. Other: not the answer given before the load. MB: memory "
            "that is not of files, all processes, at the end. Updates move an area far away every 5 seconds.",
        ]
        try:
            if arguments.memory:
                lines = memory(sides, arguments.memory, work)
            else:
                lines = table(sides, [int(number) for number in arguments.clients.split(",")], arguments.seconds, work)
        except (CommandFailed, HttpError, OSError) as error:
            say(str(error))
            return 1
    text = "\n".join([*head, "", *lines]) + "\n"
    (arguments.results / ("load-memory.md" if arguments.memory else "load.md")).write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
