"""`rules_loop.sh`, `rules_delta_loop.sh`: run area rules again and again.

Departures from the reference: the path of the database may be absolute; a run that has failed is logged as failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from osm3s.dispatch.client import is_running
from osm3s.errors import UsageError
from osm3s.paths import DatabaseDir

USAGE = "Usage: rules_loop.sh DB_DIR [--once]   (--help explains)"

HELP = """\
rules_loop.sh, rules_delta_loop.sh: make areas by rules, again and again, until stopped.

  rules_loop.sh DB_DIR          run DB_DIR/rules/areas.osm3s; 3 seconds after it has ended, run it again
  rules_delta_loop.sh DB_DIR    run it once, then every hour DB_DIR/rules/areas_delta.osm3s with the time of the areas
                                in place of {{area_version}}

  --once                        run once, then end, with the status of osm3s_query --rules

This is for rules of one's own. Without it areas follow every update, by the conditions that stand in
dbdir-template/rules/areas.osm3s, which is also what is run if the database has no rules. From the first run on areas
are what rules make, until update_database --areas=auto. What is done is logged in DB_DIR/rules_loop.log.
"""

PAUSE_S, DELTA_PAUSE_S = 3, 3600
PROJECT = Path(__file__).resolve().parent.parent.parent
TEMPLATE = PROJECT / "dbdir-template"


def rules(db: DatabaseDir, delta: bool) -> str:
    """The rules to run now. Raises OSError."""
    try:
        version = Path(db.areas.version).read_text().strip().replace("\\:", ":")
    except OSError:
        version = ""
    name = "areas_delta.osm3s" if delta and version not in ("", "init") else "areas.osm3s"
    own = Path(db.rules, name)
    text = (own if own.exists() else TEMPLATE / "rules" / name).read_text()
    return text.replace("{{area_version}}", version)


def run_once(db: DatabaseDir, delta: bool) -> int:
    """The exit status of the run."""
    log(db, "update started")
    try:
        text = rules(db, delta)
    except OSError as error:
        log(db, f"no rules: {error}")
        return 2
    direct = [] if is_running(db.root) else [f"--db-dir={db.root}"]
    program = [sys.executable, "-P", "-m", "osm3s.cli.osm3s_query", "--progress", "--rules", *direct]
    environment = os.environ | {"OVERPASS_DB_DIR": db.root, "PYTHONPATH": str(PROJECT)}
    run = subprocess.run(program, input=text.encode(), env=environment, check=False)
    log(db, "update finished" if run.returncode == 0 else f"update failed with status {run.returncode}")
    return run.returncode


def log(db: DatabaseDir, text: str) -> None:
    """In local time, as the reference does."""
    with open(db.rules_loop_log, "a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}: {text}\n")


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if "--help" in arguments:
            sys.stdout.write(HELP)
            return 0
        flags = [argument for argument in arguments if argument.startswith("--")]
        places = [argument for argument in arguments if not argument.startswith("--")]
        unknown = [flag for flag in flags if flag not in ("--delta", "--once")]
        if unknown:
            raise UsageError(f"Unknown argument: {unknown[0]}")
        if len(places) != 1 or not os.path.isdir(places[0]):
            raise UsageError("DB_DIR is missing: the directory of the database")
        db, delta = DatabaseDir(os.path.realpath(places[0])), "--delta" in flags
        while True:
            status = run_once(db, delta)
            if "--once" in flags:
                return status
            time.sleep(DELTA_PAUSE_S if delta else PAUSE_S)
    except UsageError as error:
        print(f"{error}\n{USAGE}", file=sys.stderr)
        return error.exit_status
    except OSError as error:
        print(f"rules_loop.sh: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
