"""The tables about queries about the past."""

from __future__ import annotations

from bench.table import Report, markdown, milliseconds, ratio, times, verdict

DATED_SHARE = 2.0
CHANGES_FASTER = 10.0


def dated_tables(report: Report) -> str:
    """`report` as from measure_dated."""
    rows = []
    for result in report["dated"]:
        if "failed" in result:
            rows.append([result["name"], result["failed"], "", "", ""])
            continue
        factor = min(result["dated"]) / min(result["undated"])
        outcome = verdict((DATED_SHARE / factor, 1.0))
        rows.append(
            [result["name"], milliseconds(result["undated"]), milliseconds(result["dated"]), f"{factor:.2f}", outcome]
        )
    text = f"### Our queries as of a day before all diffs (target at most {DATED_SHARE:g} of the time of today's)\n\n"
    text += markdown(["query", "today, ms", "dated, ms", "ratio", ""], rows)
    rows = []
    for result in report["changes"]:
        theirs = result.get("reference")
        factor = ratio(min(theirs) if theirs else None, min(result["ours"])) if result.get("ours") else None
        rows.append(
            [
                result["name"],
                f"{result.get('elements', 0):,}",
                result.get("failed") or milliseconds(result.get("ours")),
                milliseconds(theirs),
                times(factor),
                verdict((factor, CHANGES_FASTER)),
                result.get("answers", ""),
            ]
        )
    text += f"\n\n### What changed in a minute (target {CHANGES_FASTER:g} x)\n\n"
    return text + markdown(["query", "elements", "ours, ms", "reference, ms", "ratio", "", "answers"], rows)
