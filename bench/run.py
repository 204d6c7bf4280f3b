"""Run the benchmark: data, imports, queries, areas, diffs, history, disk; print the table and keep it in bench/results.

    python -m bench.run [--size small|standard|large] [--only STEP_ROW_OR_QUERY,...] [--keep DIR]
                        [--sides ours,reference] [--seconds S]

REFERENCE=<prefix> in the environment names an installed OSM3S to compare with. A run with --only prints its table but
does not replace the kept one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from copy import copy
from dataclasses import asdict
from pathlib import Path

from bench.areas import measure_areas, with_areas
from bench.attic import measure_history, with_history
from bench.data import SIZES, DataMissing, make_data
from bench.databases import PROJECT, Ours, Reference, Side
from bench.diff import measure_diffs
from bench.measure import CommandFailed, disk_bytes
from bench.places import PLACES
from bench.queries import Query, read_queries
from bench.rounds import AREA_ROWS, asking, measure_query
from bench.table import Report, commit, machine, render

STEPS = ("import", "queries", "areas", "diff", "attic", "disk")
RESULTS = Path(__file__).resolve().parent / "results"
WARM_SECONDS = {"small": 1.0, "standard": 8.0, "large": 20.0}


def parse_arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench.run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="standard")
    parser.add_argument("--only", default="", help=f"steps ({', '.join(STEPS)}), rows or names of queries")
    parser.add_argument("--keep", type=Path, help="keep data and databases here and use what is here already")
    parser.add_argument("--sides", default="ours,reference")
    parser.add_argument("--seconds", type=float, help="how long to repeat each query (default: 1, 8, 20 by size)")
    return parser.parse_args(words)


def choose(only: str, queries: list[Query]) -> tuple[set[str], list[Query]]:
    """The steps and queries that --only asks for; all when it is empty. Raises SystemExit for an unknown word."""
    wanted = {word for word in only.split(",") if word}
    if not wanted:
        return set(STEPS), queries
    unknown = wanted - {"queries", *STEPS} - {query.row for query in queries} - {query.name for query in queries}
    if unknown:
        raise SystemExit(f"--only: unknown {', '.join(sorted(unknown))}")
    chosen = [query for query in queries if query.row in wanted or query.name in wanted or "queries" in wanted]
    return (wanted & set(STEPS)) | ({"queries"} if chosen else set()), chosen


def import_kept(side: Side, pbf: Path, work: Path) -> Report:
    """Import, or take the figures of the import that filled the kept database. Raises CommandFailed."""
    kept = side.database.with_suffix(".import.json")
    if kept.exists() and side.database.is_dir():
        figures: Report = json.loads(kept.read_text())
        return figures
    say(f"importing into {side.name}")
    figures = asdict(side.import_file(pbf, work / f"{side.name}-import.log"))
    kept.write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def run_bench(arguments: argparse.Namespace, work: Path) -> Report:
    """Everything that was asked for, as one report; a side that fails is noted and left out of what follows."""
    queries = read_queries(PLACES[arguments.size])
    steps, queries = choose(arguments.only, queries)
    pbf = make_data(arguments.size, work)
    report: Report = {
        "size": arguments.size,
        "commit": commit(PROJECT),
        "machine": machine(work),
        "data": f"{pbf.name}, {pbf.stat().st_size:,} bytes",
        "import": {},
        "queries": [],
    }
    sides: list[Side] = []
    if "ours" in arguments.sides:
        sides.append(Ours(work / f"{arguments.size}-osm3s"))
    if "reference" in arguments.sides and os.environ.get("REFERENCE"):
        sides.append(Reference(Path(os.environ["REFERENCE"]), work / f"{arguments.size}-reference"))
    for side in list(sides):
        try:
            report["import"][side.name] = import_kept(side, pbf, work)
        except (CommandFailed, OSError) as error:
            say(f"{side.name}: {error}")
            report.setdefault("failed", {})[side.name] = str(error)
            sides.remove(side)
    originals = [copy(side) for side in sides]  # diffs are applied to copies, which then are the sides' databases
    if "disk" in steps:
        report["disk"] = {side.name: disk_bytes(side.database) for side in sides}
    if "areas" in steps and sides:
        say("areas")
        report["areas"] = measure_areas(sides, pbf, work)
    if "queries" in steps and sides:
        ours = next((side for side in sides if isinstance(side, Ours)), None)
        reference = next((side for side in sides if isinstance(side, Reference)), None)
        seconds = arguments.seconds if arguments.seconds is not None else WARM_SECONDS[arguments.size]
        reference_areas = None
        if reference is not None and any(query.row in AREA_ROWS for query in queries):
            reference_areas = with_areas(reference, work)
        with asking(ours, reference, reference_areas, work) as asked:
            for query in queries:
                say(query.name)
                report["queries"].append(measure_query(query, asked, seconds))
    if "diff" in steps and sides:
        say("diffs")
        report.update(measure_diffs(sides, pbf, work))
    if "attic" in steps and sides:
        report["meta_import"] = report["import"]
        report["attic"] = run_attic(originals, pbf, queries or read_queries(PLACES[arguments.size]), work)
    if "import" not in steps:
        report["import"] = {}
    return report


def run_attic(sides: list[Side], pbf: Path, queries: list[Query], work: Path) -> Report:
    """The same again with history; a side that fails is noted and left out."""
    report: Report = {"import": {}}
    able = []
    for side in map(with_history, sides):
        try:
            report["import"][side.name] = import_kept(side, pbf, work)
            able.append(side)
        except (CommandFailed, OSError) as error:
            say(f"{side.name}, with history: {error}")
            report.setdefault("failed", {})[side.name] = str(error)
    if able:
        say("diffs with history")
        meta = next((side for side in sides if isinstance(side, Ours)), None)
        report.update(measure_history(able, meta, pbf, queries, work))
    return report


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(words: list[str]) -> int:
    arguments = parse_arguments(words)
    with tempfile.TemporaryDirectory(prefix="osm3s-bench-") as temporary:
        work = arguments.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        try:
            report = run_bench(arguments, work)
        except (DataMissing, CommandFailed) as error:
            say(str(error))
            return 1
        text = render(report)
        print(text)
        whole = not arguments.only and arguments.seconds is None and arguments.sides == "ours,reference"
        target = RESULTS if whole else work
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{arguments.size}.md").write_text(text)
        (target / f"{arguments.size}.json").write_text(json.dumps(report, indent=1) + "\n")
    return 1 if report.get("failed") else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
