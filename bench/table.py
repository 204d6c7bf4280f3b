"""The table of results: targets, ratios, verdicts, and the machine they were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Report = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """A row of the table of targets: how many times faster than the reference's fastest path, and than its CGI path."""

    words: str
    faster: float
    faster_than_cgi: float | None = None


TARGETS: Mapping[str, Target | None] = {
    "small": Target("small answers", 3, 15),
    "large": Target("large answers", 15),
    "count": Target("counts over everything", 100),
    "around": Target("around, poly", 10),
    "area": Target("area filters", 10),
    "area_small": Target("area filters, small answers", 3),
    "is_in": Target("is_in", 3),
    "free": None,
}
IMPORT_FASTER, IMPORT_MEMORY_BYTES = 10.0, 1_500_000_000
DIFF_FASTER, DIFF_WRITTEN_SHARE = 5.0, 0.1
DISK_SHARE = 0.8
AREAS_FASTER, AREAS_AFTER_A_DIFF_S = 20.0, 2.0


def machine(directory: Path) -> dict[str, str]:
    """What a reader must know of the machine; `directory` is where the databases lie."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    memory_kb = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "processor": f"{cpu}, {os.cpu_count()} logical",
        "memory": f"{memory_kb / 1048576:.1f} GiB",
        "kernel": platform.release(),
        "disk": _disk(directory),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _disk(directory: Path) -> str:
    """File system and device of a directory, as `ext4 on vda`."""
    mounts = [line.split() for line in _lines("/proc/mounts")]
    resolved = directory.resolve()
    holding = [words for words in mounts if resolved.is_relative_to(words[1])]
    if not holding:
        return "unknown"
    device, _, kind = max(holding, key=lambda words: len(words[1]))[:3]
    return f"{kind} on {device.removeprefix('/dev/')}"


def commit(project: Path) -> str:
    """The project's commit, with a + when the tree has changes."""
    try:
        words = ["git", "-C", str(project), "describe", "--always", "--dirty=+", "--abbrev=10"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def ratio(theirs: float | None, ours: float | None) -> float | None:
    return theirs / ours if theirs and ours else None


def verdict(*checks: tuple[float | None, float]) -> str:
    """'pass' when every known value reaches its bound, 'miss' when one does not, '' when one is unknown."""
    if any(value is not None and value < bound for value, bound in checks):
        return "miss"
    return "" if any(value is None for value, _ in checks) else "pass"


def render(report: Report) -> str:
    """The whole report as Markdown."""
    parts = [_heading(report)]
    if report.get("import"):
        parts.append(_import_table(report))
    if report.get("queries"):
        parts.append(_query_table(report))
    if report.get("areas"):
        parts.append(_areas_table(report))
    if report.get("diffs"):
        parts.append(_diff_table(report))
    if report.get("disk"):
        parts.append(_disk_table(report))
    if report.get("attic"):
        from bench.attic_table import attic_tables

        parts.append(attic_tables(report))
    return "\n\n".join(parts) + "\n"


def _heading(report: Report) -> str:
    facts = report["machine"]
    return (
        f"# Benchmark, {report['size']} size, commit {report['commit']}, {facts['date']}\n\n"
        f"Machine: {facts['processor']}; {facts['memory']}; Linux {facts['kernel']}; {facts['disk']}; "
        f"Python {facts['python']}; load at the start {facts['load']}.\n"
        f"Data: {report['data']}. Times are the least of the runs; a ratio is the reference's least over ours."
    )


def markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _import_table(report: Report) -> str:
    sides = report["import"]
    rows = [
        [
            name,
            seconds(f["wall_s"]),
            seconds(f["user_s"] + f["system_s"]),
            megabytes(f["peak_memory_bytes"]),
            megabytes(f["written_bytes"]),
        ]
        for name, f in sides.items()
    ]
    table = "## Import with metadata\n\n" + markdown(["system", "wall", "CPU", "peak memory", "written"], rows)
    ours, theirs = sides.get("osm3s"), sides.get("reference")
    if ours:
        factor = ratio(theirs["wall_s"] if theirs else None, ours["wall_s"])
        outcome = verdict((factor, IMPORT_FASTER), (IMPORT_MEMORY_BYTES / ours["peak_memory_bytes"], 1.0))
        words = f"{times(factor)} as fast (target" if factor else "(target"
        table += f"\n\n{words} {IMPORT_FASTER:g} x, at most 1.5 GB) {outcome}"
    return table


def _query_table(report: Report) -> str:
    header = [
        "row",
        "query",
        "elements",
        "MB",
        "ours ms",
        "cold",
        "reference ms",
        "cold",
        "CGI",
        "ratio",
        "to CGI",
        "target",
        "",
        "answers",
    ]
    rows = []
    for row_name, target in TARGETS.items():
        for result in report["queries"]:
            if result["row"] == row_name:
                rows.append(_query_row(result, target))
    return "## Queries\n\n" + markdown(header, rows)


def _query_row(result: Report, target: Target | None) -> list[str]:
    ours, theirs = result.get("ours", {}), result.get("reference", {})
    factor, cgi_factor = query_ratios(result)
    words, outcome = "", ""
    if target is not None:
        checks = [(factor, target.faster)]
        words = f"{target.faster:g} x"
        if target.faster_than_cgi is not None:
            checks.append((cgi_factor, target.faster_than_cgi))
            words += f", {target.faster_than_cgi:g} x"
        outcome = verdict(*checks)
    return [
        target.words if target else "(no target)",
        result["name"],
        str(result.get("elements", "")),
        f"{result['size_bytes'] / 1e6:.2f}" if "size_bytes" in result else "",
        milliseconds(ours.get("warm_s")) or ours.get("failed", ""),
        milliseconds(ours.get("cold_s")),
        milliseconds(theirs.get("warm_s")) or theirs.get("failed", ""),
        milliseconds(theirs.get("cold_s")),
        milliseconds(theirs.get("cgi_s")) or theirs.get("cgi_failed", ""),
        times(factor),
        times(cgi_factor),
        words,
        outcome,
        result.get("answers", ""),
    ]


def query_ratios(result: Report) -> tuple[float | None, float | None]:
    """Ratios to the fastest path and to the CGI path; None where a side was not measured."""
    ours, theirs = _least(result.get("ours", {}).get("warm_s")), result.get("reference", {})
    return ratio(_least(theirs.get("warm_s")), ours), ratio(_least(theirs.get("cgi_s")), ours)


def _areas_table(report: Report) -> str:
    ways = report["areas"]
    rows = [
        [name, seconds(f["wall_s"]), seconds(f["user_s"] + f["system_s"])] if "wall_s" in f else [name, f["failed"], ""]
        for name, f in ways.items()
    ]
    table = "## Areas from the whole map\n\n" + markdown(["made by", "wall", "CPU"], rows)
    ours, theirs = ways.get("osm3s", {}), ways.get("reference, by rules", {})
    factor = ratio(theirs.get("wall_s"), ours.get("wall_s"))
    if factor:
        table += f"\n\n{times(factor)} as fast (target {AREAS_FASTER:g} x) {verdict((factor, AREAS_FASTER))}"
    after = next((f["wall_s"] for name, f in ways.items() if "after a diff" in name and "wall_s" in f), None)
    if after:
        outcome = verdict((AREAS_AFTER_A_DIFF_S / after, 1.0))
        table += f"\n\nAfter a diff {after:.2f} s (target {AREAS_AFTER_A_DIFF_S:g} s) {outcome}"
    return table


def diff_rows(results: list[Report], faster: float, written_share: float) -> str:
    """A table of updates: time and bytes of both sides, and whether they reach the bounds."""
    header = ["diff", "elements", "ours ms", "written", "reference ms", "written", "ratio", "share of bytes", ""]
    rows = []
    for result in results:
        ours, theirs = result.get("osm3s", {}), result.get("reference", {})
        factor = ratio(theirs.get("total_s"), ours.get("total_s"))
        share = ratio(ours.get("written_bytes"), theirs.get("written_bytes"))
        outcome = verdict((factor, faster), (None if share is None else written_share / share, 1.0))
        rows.append(
            [
                result["name"],
                str(result["elements"]),
                milliseconds([ours["total_s"]]) if "total_s" in ours else ours.get("failed", ""),
                megabytes(ours.get("written_bytes")),
                milliseconds([theirs["total_s"]]) if "total_s" in theirs else theirs.get("failed", ""),
                megabytes(theirs.get("written_bytes")),
                times(factor),
                f"{share:.3f}" if share is not None else "",
                outcome,
            ]
        )
    return markdown(header, rows)


def _diff_table(report: Report) -> str:
    answers = f"\n\nAnswers about changed elements: {report['diff_answers']}." if report.get("diff_answers") else ""
    heading = f"## Diffs, fsynced (target {DIFF_FASTER:g} x, a tenth of the bytes)\n\n"
    return heading + diff_rows(report["diffs"], DIFF_FASTER, DIFF_WRITTEN_SHARE) + answers


def _disk_table(report: Report) -> str:
    sizes = report["disk"]
    rows = [[name, megabytes(size)] for name, size in sizes.items()]
    table = "## Disk, with metadata\n\n" + markdown(["system", "size"], rows)
    if len(sizes) == 2:
        share = sizes["osm3s"] / sizes["reference"]
        table += (
            f"\n\n{share:.2f} of the reference's (target at most {DISK_SHARE:g}): {verdict((DISK_SHARE / share, 1.0))}"
        )
    return table


def _least(runs: list[float] | None) -> float | None:
    return min(runs) if runs else None


def milliseconds(runs: list[float] | None) -> str:
    least = _least(runs)
    if least is None:
        return ""
    return f"{least * 1e3:,.0f}" if least >= 0.1 else f"{least * 1e3:.2f}"


def seconds(value: float) -> str:
    return f"{value:.1f} s"


def megabytes(value: float | None) -> str:
    return "" if value is None else f"{value / 1e6:,.1f} MB"


def times(factor: float | None) -> str:
    return "" if factor is None else f"{factor:.3g} x"
