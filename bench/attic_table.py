"""The tables about databases that keep history."""

from __future__ import annotations

from math import exp, log

from bench.dated_table import dated_tables
from bench.table import Report, diff_rows, markdown, megabytes, milliseconds, ratio, seconds, times, verdict

DIFF_FASTER, DIFF_WRITTEN_SHARE = 10.0, 0.05
CATCH_UP_FASTER = 10.0
DISK_SHARE = 0.6


def attic_tables(report: Report) -> str:
    """`report` is that of a whole run."""
    of = report["attic"]
    parts = ["## With history"]
    if of.get("import"):
        parts.append(_import_table(of["import"], report.get("meta_import", {})))
    if of.get("diffs"):
        parts.append(_diffs(of))
    if of.get("catch_up"):
        parts.append(_catch_up(of))
    if of.get("disk"):
        parts.append(_disk(of))
    if of.get("queries"):
        parts.append(_queries(of["queries"]))
    if of.get("dated"):
        parts.append(dated_tables(of["dated"]))
    return "\n\n".join(parts)


def _import_table(sides: Report, without: Report) -> str:
    rows = []
    for name, figures in sides.items():
        meta = without.get(name, {}).get("wall_s")
        rows.append(
            [
                name,
                seconds(figures["wall_s"]),
                seconds(figures["user_s"] + figures["system_s"]),
                megabytes(figures["peak_memory_bytes"]),
                megabytes(figures["written_bytes"]),
                times(ratio(figures["wall_s"], meta)),
            ]
        )
    header = ["import", "wall", "CPU", "peak memory", "written", "of the time with metadata alone"]
    return markdown(header, rows)


def _diffs(of: Report) -> str:
    text = f"### Diffs with history, fsynced (target {DIFF_FASTER:g} x, a twentieth of the bytes)\n\n"
    text += diff_rows(of["diffs"], DIFF_FASTER, DIFF_WRITTEN_SHARE)
    if of.get("diff_answers"):
        text += f"\n\nAnswers about changed elements: {of['diff_answers']}."
    followed = of.get("followed", {})
    if "total_s" in followed:
        n = followed["diffs"]
        theirs = [row.get("reference", {}) for row in of["diffs"]]
        known = all("total_s" in figures for figures in theirs)
        sum_s = sum(figures["total_s"] for figures in theirs) if known else None
        bytes_of = sum(figures["written_bytes"] for figures in theirs) if known else None
        factor, share = ratio(sum_s, followed["total_s"]), ratio(followed["written_bytes"], bytes_of)
        outcome = verdict((factor, DIFF_FASTER), (None if share is None else DIFF_WRITTEN_SHARE / share, 1.0))
        text += (
            f"\n\nThe same {n} diffs by one process that follows a feed, each a transaction of its own: "
            f"{milliseconds([followed['total_s'] / n])} ms and {megabytes(followed['written_bytes'] / n)} a diff, the "
            f"start of the process included; {times(factor)} as fast as the reference's programs together, "
            f"{'' if share is None else f'{share:.3f} of their bytes'}: {outcome}"
        )
    elif followed:
        text += f"\n\nIn one process: {followed['failed']}"
    return text


def _catch_up(of: Report) -> str:
    rows = []
    real = of.get("real") or {}
    for name, sides in (
        ("3 busy minutes", of["catch_up"]),
        (f"{real.get('diffs', 0)} real minutes of Andorra", real.get("update", {})),
    ):
        if sides:
            rows += [{"name": name, "elements": "", **sides}]
    text = f"### Catching up with history, one transaction (target {CATCH_UP_FASTER:g} x)\n\n"
    return text + diff_rows(rows, CATCH_UP_FASTER, 1.0)


def _disk(of: Report) -> str:
    rows = []
    sizes_of = {
        "after the diffs": of["disk"],
        "Andorra, with the history of its minutes": (of.get("real") or {}).get("disk"),
    }
    for name, sizes in sizes_of.items():
        if not sizes:
            continue
        share = ratio(sizes.get("osm3s"), sizes.get("reference"))
        outcome = verdict((None if share is None else DISK_SHARE / share, 1.0))
        words = "" if share is None else f"{share:.2f}"
        rows.append([name, megabytes(sizes.get("osm3s")), megabytes(sizes.get("reference")), words, outcome])
    text = f"### Disk with history (target at most {DISK_SHARE:g} of the reference's)\n\n"
    return text + markdown(["data", "ours", "reference", "share", ""], rows)


def _queries(results: list[Report]) -> str:
    rows, ratios = [], []
    for result in results:
        if "failed" in result:
            rows.append([result["name"], result["failed"], "", ""])
            continue
        factor = min(result["with"]) / min(result["without"])
        ratios.append(factor)
        rows.append([result["name"], milliseconds(result["without"]), milliseconds(result["with"]), f"{factor:.2f}"])
    text = "### Our queries about today, without and with history\n\n"
    text += markdown(["query", "without, ms", "with, ms", "ratio"], rows)
    if ratios:
        mean = exp(sum(map(log, ratios)) / len(ratios))
        text += f"\n\nGeometric mean of the ratios {mean:.2f}, largest {max(ratios):.2f}."
    return text
