"""The same with history: import, diffs, catch-up, disk at level attic, and what history costs queries about today."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import zstandard

from bench.data import shared_directory
from bench.databases import Ours, Reference, Side
from bench.dated import measure_dated
from bench.diff import Plan, apply_diffs, copy_database, diffs_of, make_diffs, measure_diffs
from bench.make_diff import SCATTERED_PLACES
from bench.measure import CommandFailed, disk_bytes, sync_files
from bench.queries import Query
from bench.rounds import ask_ours
from bench.table import Report

LEVEL = "--keep-attic"
CATCH_UP: Plan = tuple((f"catch-up {number - 4}", number, SCATTERED_PLACES) for number in (5, 6, 7))
REAL_FEED = "andorra-minute-2016"
QUERY_ROUNDS, QUERY_S = 15, 1.0


def with_history(side: Side) -> Side:
    """The same system, with a database that keeps superseded versions."""
    database = side.database.with_name(side.database.name + "-attic")
    return Reference(side.prefix, database, LEVEL) if isinstance(side, Reference) else Ours(database, LEVEL)


def measure_history(sides: list[Side], meta: Ours | None, pbf: Path, queries: list[Query], work: Path) -> Report:
    """Everything that changes a database with history. `meta`: ours without, to compare queries with.

    The sides' databases are copied; the import's figures are the caller's.
    """
    ours = next((side for side in sides if isinstance(side, Ours)), None)
    originals = {side.name: side.database for side in sides}
    report = measure_diffs(sides, pbf, work)
    if ours is not None:
        report["followed"] = _followed(ours, originals[ours.name], pbf, work)
    report["catch_up"] = _catch_up(sides, pbf, work)
    report["disk"] = {side.name: disk_bytes(side.database) for side in sides}
    report["dated"] = measure_dated(sides, queries, work)
    report["real"] = _real_feed(sides, work)
    if ours is not None and meta is not None:
        report["queries"] = _queries(ours, meta, pbf, queries, work)
    return report


def _followed(ours: Ours, original: Path, pbf: Path, work: Path) -> Report:
    """All single diffs in one process that follows a feed, each in a transaction of its own."""
    feed = work / "feed"
    shutil.rmtree(feed, ignore_errors=True)
    directory = feed / "000" / "000"
    directory.mkdir(parents=True)
    directories = make_diffs(pbf, diffs_of(pbf, work))
    for number, osc in enumerate(directories, 1):
        state = f"sequenceNumber={number}\ntimestamp=2026-06-01T00\\:{number:02}\\:00Z\n"
        (directory / f"{number:03}.osc.gz").write_bytes(gzip.compress((osc / "1.osc").read_bytes(), 6))
        (directory / f"{number:03}.state.txt").write_text(state)
        (feed / "state.txt").write_text(state)
    copy = Ours(work / "osm3s-followed", ours.level)
    copy_database(original, copy.database)
    try:
        figures = copy.follow(feed, work / "osm3s-follow.log")
    except (CommandFailed, OSError) as error:
        return {"failed": f"failed: {str(error).splitlines()[-1][:120]}"}
    total_s = figures.wall_s + sync_files(copy.database)
    shutil.rmtree(copy.database)
    return {**asdict(figures), "total_s": total_s, "diffs": len(directories)}


def _catch_up(sides: list[Side], pbf: Path, work: Path) -> Report:
    """Several busy minutes in one update."""
    together = diffs_of(pbf, work) / "catch-up"
    together.mkdir(parents=True, exist_ok=True)
    for number, directory in enumerate(make_diffs(pbf, diffs_of(pbf, work), CATCH_UP), 1):
        shutil.copyfile(directory / "1.osc", together / f"{number}.osc")
    return {side.name: apply_diffs(side, together, work / f"{side.name}-diff.log") for side in sides}


def _real_feed(sides: list[Side], work: Path) -> Report:
    """A country's real minutes in one update, and the disk its history takes afterwards; {} if it is not there."""
    archive = shared_directory() / "data" / "replication" / f"{REAL_FEED}.tar.zst"
    if not archive.exists():
        return {}
    directory = work / REAL_FEED
    diffs = directory / "diffs"
    shutil.rmtree(directory, ignore_errors=True)
    diffs.mkdir(parents=True)
    n = 0
    for name, content in _files_in(archive):
        if name.endswith("start.osm.pbf"):
            (directory / "start.osm.pbf").write_bytes(content)
        elif name.endswith(".osc.gz"):
            n += 1
            (diffs / "".join(Path(name).parts[-3:]).replace(".osc.gz", ".osc")).write_bytes(gzip.decompress(content))
    report: Report = {"diffs": n, "disk": {}, "update": {}}
    for side in sides:
        country = Reference(side.prefix, directory / side.name, LEVEL) if isinstance(side, Reference) else None
        copy: Side = country or Ours(directory / side.name, LEVEL)
        log = work / f"{side.name}-real.log"
        try:
            copy.import_file(directory / "start.osm.pbf", log)
        except (CommandFailed, OSError) as error:
            report["update"][side.name] = {"failed": f"failed: {str(error).splitlines()[-1][:120]}"}
            continue
        sync_files(copy.database)
        report["update"][side.name] = apply_diffs(copy, diffs, log)
        report["disk"][side.name] = disk_bytes(copy.database)
    return report


def _files_in(archive: Path) -> Iterator[tuple[str, bytes]]:
    with open(archive, "rb") as packed:
        unpacked = io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(packed))
        with tarfile.open(fileobj=unpacked, mode="r|") as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is not None:
                    yield member.name, content.read()


def _queries(ours: Ours, meta: Ours, pbf: Path, queries: list[Query], work: Path) -> list[Report]:
    """The standard queries of our own database with history and without, in turn, after the same diffs."""
    plain = Ours(work / "osm3s-without-history")
    copy_database(meta.database, plain.database)
    rows: list[Report] = []
    try:
        for directory in make_diffs(pbf, diffs_of(pbf, work)):
            plain.apply_diff(directory, work / "osm3s-diff.log")
        for directory in make_diffs(pbf, diffs_of(pbf, work), CATCH_UP):
            plain.apply_diff(directory, work / "osm3s-diff.log")
        with ExitStack() as stack:
            sides = {"with": ours, "without": plain}
            clients = {name: stack.enter_context(side.serving(work / f"{name}.log")) for name, side in sides.items()}
            for query in queries:
                runs: dict[str, list[float]] = {name: [] for name in sides}
                for _ in range(QUERY_ROUNDS):
                    for name, client in clients.items():
                        runs[name].append(ask_ours(client, query.text))
                    if min(map(len, runs.values())) >= 5 and sum(runs["with"]) > QUERY_S:
                        break
                rows.append({"name": query.name, **runs})
    except (CommandFailed, OSError) as error:
        rows.append({"name": "failed", "failed": str(error).splitlines()[-1][:120]})
    shutil.rmtree(plain.database)
    return rows
