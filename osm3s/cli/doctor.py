"""`osm3s doctor`: says in sentences what is wrong with an installation, and what to do."""

from __future__ import annotations

import os
import sys

from osm3s.cli.ailments import CHECKS, Finding
from osm3s.cli.database_of import database_dir
from osm3s.errors import Osm3sError, UsageError
from osm3s.paths import DatabaseDir

HELP = """\
osm3s doctor: look for what is wrong with an installation, and say what to do.

  osm3s doctor --db-dir=DIR       without it: $OVERPASS_DB_DIR, else the database of the running dispatcher

Looks at the database and its age, areas, disk, permissions, the dispatcher and what a killed one has left,
interrupted updates, stuck readers, the frontends, and limits of the system. Changes nothing.

Exit status: 0 nothing is wrong (there may be remarks), 2 something is.
"""
WRONG_STATUS = 2


def examine(db: DatabaseDir) -> list[Finding]:
    return [finding for check in CHECKS for finding in check(db)]


def report(findings: list[Finding]) -> str:
    """What is wrong comes first."""
    lines = []
    for finding in sorted(findings, key=lambda finding: not finding.wrong):
        lines += [f"{'WRONG ' if finding.wrong else 'remark'}  {finding.what}", f"        {finding.remedy}"]
    if not any(finding.wrong for finding in findings):
        lines.append("Nothing is wrong.")
    return "\n".join(lines) + "\n"


def main() -> int:
    try:
        arguments = sys.argv[1:]
        if arguments == ["--help"]:
            sys.stdout.write(HELP)
            return 0
        named = [argument.removeprefix("--db-dir=") for argument in arguments]
        if len(named) > 1 or named == arguments != [] or named == [""]:
            raise UsageError("osm3s doctor: the only option is --db-dir=DIR (--help explains)")
        findings = examine(DatabaseDir(os.path.realpath(named[0]) if named else database_dir()))
    except Osm3sError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    sys.stdout.write(report(findings))
    return WRONG_STATUS if any(finding.wrong for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
