"""Areas made from a whole map: by us as an import makes them, and by both with the same rules; and after a diff."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from bench.databases import PROJECT, Ours, Reference, Side
from bench.diff import copy_database, make_diffs
from bench.measure import CommandFailed, run_measured
from bench.table import Report
from osm3s.paths import DatabaseDir

RULES = PROJECT / "dbdir-template" / "rules" / "areas.osm3s"
AFTER_A_DIFF = "osm3s, after a diff of some thousand elements"
NOTHING = "<osmChange version='0.6'></osmChange>\n"


def measure_areas(sides: list[Side], pbf: Path, work: Path) -> Report:
    """The figures of each way of making areas, on copies of the databases; each begins without any."""
    report: Report = {}
    nothing = work / "nothing.osc"
    nothing.write_text(NOTHING)
    for side in sides:
        copy, query = _copy_of(side), side.prefix / "bin" / "osm3s_query"
        copy_database(side.database, copy)
        if isinstance(side, Ours):
            update: list[Path | str] = [PROJECT / "bin" / "update_database", f"--db-dir={copy}"]
            follow: list[Path | str] = [*update, "--areas=auto", nothing]
            report["osm3s"] = _run_from_none(follow, copy, None, work)
            first = make_diffs(pbf, work / "diffs" / pbf.name.partition(".")[0])[0] / "1.osc"
            _run([*update, "--areas=none", first], None, work)
            report[AFTER_A_DIFF] = _run(follow, None, work)
        by_rules: list[Path | str] = [query, f"--db-dir={copy}", "--rules", "--concise"]
        report[f"{side.name}, by rules"] = _run_from_none(by_rules, copy, RULES, work)
    return report


def with_areas(reference: Reference, work: Path) -> Reference:
    """A copy of the reference's database with areas, made now if it is not there. Raises CommandFailed."""
    copy = Reference(reference.prefix, _copy_of(reference))
    if not (copy.database / "area_blocks.bin").exists():
        copy_database(reference.database, copy.database)
        run_measured(
            [reference.prefix / "bin" / "osm3s_query", f"--db-dir={copy.database}", "--rules", "--concise"],
            log=work / "areas.log",
            stdin_path=RULES,
        )
    return copy


def _copy_of(side: Side) -> Path:
    return side.database.with_name(f"{side.database.name}-areas")


def _run_from_none(command: list[Path | str], copy: Path, stdin: Path | None, work: Path) -> Report:
    areas = DatabaseDir(str(copy)).areas
    for path in (areas.index, areas.version):  # without an index there are none
        with suppress(FileNotFoundError):
            os.unlink(path)
    return _run(command, stdin, work)


def _run(command: list[Path | str], stdin: Path | None, work: Path) -> Report:
    try:
        figures = asdict(run_measured(command, log=work / "areas.log", stdin_path=stdin))
        del figures["peak_memory_bytes"]  # the kernel counts in it the memory of the bench, which forked the program
        return figures
    except (CommandFailed, OSError) as error:
        return {"failed": f"failed: {str(error).splitlines()[-1][:120]}"}
