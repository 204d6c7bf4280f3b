"""The standard queries asked of both sides in turn: answers compared first, then warm, CGI and cold rounds."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.databases import Ours, Reference
from bench.http_client import HttpClient, HttpError
from bench.measure import CommandFailed, cached_bytes, disk_bytes, drop_from_page_cache, sync_files
from bench.queries import Answer, Query, compare, read_answer, remark_of
from bench.table import Report

MIN_ROUNDS, MAX_ROUNDS = 3, 25
COLD_ROUNDS = 3
CGI_ROWS = ("small", "free")
AREA_ROWS = ("area", "area_small", "is_in")
DEVNULL = Path(os.devnull)


class Asked:
    """One side that a query can be put to: how, how long it took, and where its files are."""

    def __init__(self, name: str, database: Path, ask: Callable[[str], float], fetch: Callable[[str], bytes]) -> None:
        self.name, self.database, self.ask, self.fetch = name, database, ask, fetch


def ask_ours(client: HttpClient, text: str) -> float:
    """Seconds from the first byte sent to the last byte received, over HTTP."""
    started = time.perf_counter()
    client.query(text)
    return time.perf_counter() - started


def fetch_ours(client: HttpClient, text: str) -> bytes:
    body = bytearray()
    client.query(text, body.extend)
    return bytes(body)


def fetch_reference(reference: Reference, text: str, work: Path) -> bytes:
    path = work / "reference.answer"
    reference.run_query(text, path)
    body = path.read_bytes()
    path.unlink()
    return body


class CgiPath:
    """The reference's CGI program, trusted with a query only if its answer is the one of the direct path."""

    def __init__(self, served: Reference, work: Path) -> None:
        self.served, self.work = served, work

    def ask(self, text: str) -> float:
        return self.served.run_cgi(text, DEVNULL)

    def agrees(self, text: str, direct: Answer) -> bool:
        path = self.work / "cgi.answer"
        self.served.run_cgi(text, path)
        body = path.read_bytes().partition(b"\n\n")[2]
        path.unlink()
        return read_answer(body).digest == direct.digest


@dataclass(frozen=True)
class AllAsked:
    """The sides ready to be asked; those with areas; and the reference's CGI path, which has none."""

    sides: list[Asked]
    with_areas: list[Asked]
    cgi: CgiPath | None


@contextmanager
def asking(
    ours: Ours | None, reference: Reference | None, reference_areas: Reference | None, work: Path
) -> Iterator[AllAsked]:
    """The servers run while the context lasts. `reference_areas`: the reference's database with areas."""
    with ExitStack() as stack:
        sides, area_sides = [], []
        if ours is not None:
            client = stack.enter_context(ours.serving(work / "server.log"))
            sides.append(
                Asked("ours", ours.database, lambda text: ask_ours(client, text), lambda text: fetch_ours(client, text))
            )
            area_sides.append(sides[0])
        cgi = None
        if reference_areas is not None:
            area_sides.append(_asked_directly(reference_areas, work))
        if reference is not None:
            sides.append(_asked_directly(reference, work))
            served = Reference(reference.prefix, work / "reference-served")
            link_files(reference.database, served.database)
            try:
                stack.enter_context(served.dispatching(work / "dispatcher.log"))
                cgi = CgiPath(served, work)
            except CommandFailed as error:
                print(f"without the reference's CGI path: {error}", file=sys.stderr)
        yield AllAsked(sides, area_sides, cgi)


def _asked_directly(reference: Reference, work: Path) -> Asked:
    return Asked(
        "reference",
        reference.database,
        lambda text: reference.run_query(text, DEVNULL),
        lambda text: fetch_reference(reference, text, work),
    )


def link_files(source: Path, target: Path) -> None:
    """Fill `target` with links to `source`: the reference refuses --db-dir where its dispatcher has its socket."""
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        old.unlink()
    for path in source.iterdir():
        if path.is_file():
            (target / path.name).symlink_to(path.resolve())


def measure_query(query: Query, asked: AllAsked, seconds: float) -> Report:
    """Compare the answers, then time the sides in turn: warm rounds for about `seconds`, and a few cold ones."""
    sides, cgi = (asked.with_areas, None) if query.row in AREA_ROWS else (asked.sides, asked.cgi)
    result: Report = {"name": query.name, "row": query.row, "what": query.what}
    answers: dict[str, Answer] = {}
    able = []
    for side in sides:
        result[side.name] = {}
        try:
            body = side.fetch(query.text)
            remark = remark_of(body)
            if remark:
                raise CommandFailed(remark)
            answers[side.name] = read_answer(body)
            able.append(side)
        except (HttpError, CommandFailed, OSError) as error:
            result[side.name]["failed"] = f"failed: {str(error).splitlines()[0][:120]}"
    for answer in answers.values():
        result.update(elements=answer.elements, size_bytes=answer.size_bytes)
    if len(answers) == 2:
        result["answers"] = compare(answers["ours"], answers["reference"])
    if cgi is not None and (query.row not in CGI_ROWS or "reference" not in answers):
        cgi = None
    if cgi is not None and not cgi.agrees(query.text, answers["reference"]):
        result["reference"]["cgi_failed"] = "another answer"
        cgi = None
    warm_rounds(query, able, cgi, seconds, result)
    for side in able:
        cold_rounds(query, side, result)
    return result


def warm_rounds(query: Query, sides: list[Asked], cgi: CgiPath | None, seconds: float, result: Report) -> None:
    deadline = time.monotonic() + seconds
    for number in range(MAX_ROUNDS):
        if number >= MIN_ROUNDS and time.monotonic() > deadline:
            break
        for side in sides:
            result[side.name].setdefault("warm_s", []).append(side.ask(query.text))
        if cgi is not None:
            result["reference"].setdefault("cgi_s", []).append(cgi.ask(query.text))


def cold_rounds(query: Query, side: Asked, result: Report) -> None:
    """Timings with the database's files thrown out of the page cache before each run; how much stayed is noted."""
    sync_files(side.database)
    for _ in range(COLD_ROUNDS):
        drop_from_page_cache(side.database)
        stayed = cached_bytes(side.database) / max(1, disk_bytes(side.database))
        result[side.name].setdefault("cold_s", []).append(side.ask(query.text))
        result[side.name]["stayed_cached"] = round(stayed, 4)
