"""Areas made from a whole map: by us as an import makes them, and by both systems with the same rules."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from bench.databases import PROJECT, Ours, Side
from bench.diff import copy_database
from bench.measure import CommandFailed, run_measured
from bench.table import Report
from osm3s.paths import DatabaseDir

RULES = PROJECT / "dbdir-template" / "rules" / "areas.osm3s"
NOTHING = "<osmChange version='0.6'></osmChange>\n"


def measure_areas(sides: list[Side], work: Path) -> Report:
    """The figures of each way of making areas, on copies of the databases; each begins without any."""
    report: Report = {}
    nothing = work / "nothing.osc"
    nothing.write_text(NOTHING)
    for side in sides:
        copy, query = work / f"{side.name}-areas", side.prefix / "bin" / "osm3s_query"
        copy_database(side.database, copy)
        if isinstance(side, Ours):
            update = [PROJECT / "bin" / "update_database", f"--db-dir={copy}", "--areas=auto", nothing]
            report["osm3s"] = _run(update, copy, None, work)
        report[f"{side.name}, by rules"] = _run([query, f"--db-dir={copy}", "--rules", "--concise"], copy, RULES, work)
    return report


def _run(command: list[Path | str], copy: Path, stdin: Path | None, work: Path) -> Report:
    areas = DatabaseDir(str(copy)).areas
    for path in (areas.index, areas.version):  # without an index there are none
        with suppress(FileNotFoundError):
            os.unlink(path)
    try:
        figures = asdict(run_measured(command, log=work / "areas.log", stdin_path=stdin))
        del figures["peak_memory_bytes"]  # the kernel counts in it the memory of the bench, which forked the program
        return figures
    except (CommandFailed, OSError) as error:
        return {"failed": f"failed: {str(error).splitlines()[-1][:120]}"}
