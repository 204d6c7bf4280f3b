"""Diffs applied to copies of the databases: time with everything on the disk, and bytes written."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.databases import Ours, Reference, Side
from bench.make_diff import CLUSTERED_PLACES, SCATTERED_PLACES, write_diffs
from bench.measure import CommandFailed, load_single_pages, sync_files
from bench.queries import compare, read_answer
from bench.rounds import fetch_ours, fetch_reference
from bench.table import Report

Plan = Sequence[tuple[str, int, int]]
"""Diffs by name, number and number of places."""
DIFFS: Plan = (
    ("scattered 1", 0, SCATTERED_PLACES),
    ("scattered 2", 1, SCATTERED_PLACES),
    ("scattered 3", 2, SCATTERED_PLACES),
    ("clustered 1", 3, CLUSTERED_PLACES),
    ("clustered 2", 4, CLUSTERED_PLACES),
)
ELEMENT = re.compile(r"^ *<(node|way|relation) id=\"(\d+)\"", re.MULTILINE)
IDS_PER_QUESTION = 1000


def make_diffs(pbf: Path, directory: Path, plan: Plan = DIFFS) -> list[Path]:
    """One directory per diff, made now if missing; each holds one osmChange file."""
    targets = [(directory / name.replace(" ", "-") / "1.osc", number, places) for name, number, places in plan]
    absent = [target for target in targets if not target[0].exists()]
    if absent:
        write_diffs(pbf, absent)
    return [path.parent for path, _, _ in targets]


def copy_database(source: Path, target: Path) -> None:
    """Copy a database, holes kept, bring the copy to the disk and into the page cache."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", "--sparse=always", "--reflink=auto", str(source), str(target)], check=True)
    sync_files(target)
    load_single_pages(target)


def measure_diffs(sides: list[Side], pbf: Path, work: Path) -> Report:
    """Apply each diff to a copy of each side's database, the sides in turn, and compare what they say afterwards.

    The copies are the sides' databases from then on.
    """
    directories = make_diffs(pbf, diffs_of(pbf, work))
    for side in sides:
        original, side.database = side.database, work / f"{side.name}-diffed"
        copy_database(original, side.database)
    results = []
    for (name, _, _), directory in zip(DIFFS, directories, strict=True):
        result: Report = {"name": name, "elements": len(ELEMENT.findall((directory / "1.osc").read_text()))}
        for side in sides:
            result[side.name] = apply_diffs(side, directory, work / f"{side.name}-diff.log")
        results.append(result)
    report: Report = {"diffs": results}
    ours = next((side for side in sides if isinstance(side, Ours)), None)
    reference = next((side for side in sides if isinstance(side, Reference)), None)
    if ours is not None and reference is not None:
        report["diff_answers"] = _compare_afterwards(ours, reference, directories, work)
    return report


def diffs_of(pbf: Path, work: Path) -> Path:
    return work / "diffs" / pbf.name.partition(".")[0]


def apply_diffs(side: Side, directory: Path, log: Path) -> Report:
    """The figures of one update with all diffs of a directory, until everything is on the disk."""
    try:
        figures = side.apply_diff(directory, log)
    except (CommandFailed, OSError) as error:
        return {"failed": f"failed: {str(error).splitlines()[-1][:120]}"}
    sync_s = sync_files(side.database)
    return {**asdict(figures), "sync_s": sync_s, "total_s": figures.wall_s + sync_s}


def questions(osc: str) -> list[str]:
    """Queries that ask for the elements of a change file with metadata, nodes and ways with geometry."""
    ids: dict[str, list[str]] = {"node": [], "way": [], "relation": []}
    for kind, number in ELEMENT.findall(osc):
        ids[kind].append(number)
    detail = {"node": "out meta geom;", "way": "out meta geom;", "relation": "out meta;"}
    return [
        f"[timeout:300];{kind}(id:{','.join(numbers[start : start + IDS_PER_QUESTION])});{detail[kind]}"
        for kind, numbers in ids.items()
        for start in range(0, len(numbers), IDS_PER_QUESTION)
    ]


def _compare_afterwards(ours: Ours, reference: Reference, directories: list[Path], work: Path) -> str:
    """'same', or the first difference between the sides' answers about the elements of all diffs."""
    try:
        with ours.serving(work / "server-diffed.log") as client:
            for directory in directories:
                for text in questions((directory / "1.osc").read_text()):
                    outcome = compare(
                        read_answer(fetch_ours(client, text)), read_answer(fetch_reference(reference, text, work))
                    )
                    if outcome != "same":
                        return f"{outcome} ({directory.name}: {text[:60]}...)"
    except (CommandFailed, OSError) as error:
        return f"failed: {str(error).splitlines()[0][:120]}"
    return "same"
