"""`apply_osc_to_db.sh`: applies diffs from a local archive, with the reference's arguments, log and exit status."""

from __future__ import annotations

import os
import sys

from osm3s.cli.run_update import Interrupted, run
from osm3s.errors import UsageError

USAGE = """\
Usage: apply_osc_to_db.sh replicate_dir start_id --meta=(attic|yes|no)

Applies the diffs that fetch_osc.sh has put into replicate_dir to the database, for ever, as they come.
  replicate_dir   the archive
  start_id        number of the last diff that is in the data, or auto: what the database says
  --meta=...      what the database keeps; no: not checked
The database is that of the running dispatcher, or of $OVERPASS_DB_DIR; its log is apply_osc_to_db.log there.
SIGTERM ends it, with status 15, after undoing what was not complete."""

LEVELS = {"--meta=attic": "attic", "--meta=yes": "meta", "--meta": "meta", "--meta=no": None}
IDLE_S, FAILURE_S = 5.0, 60.0
MOST_DIFFS, MOST_BYTES = 1440, 512 << 20


def work(replicate_dir: str, start: str, level: str | None) -> None:
    from osm3s.cli.database_of import database_dir
    from osm3s.cli.update_map import follow_map
    from osm3s.replication.archive import ArchiveFeed
    from osm3s.replication.clock import SystemClock
    from osm3s.replication.follow import Follower, Limits
    from osm3s.replication.pace import FixedPace
    from osm3s.replication.script_log import ScriptLog
    from osm3s.replication.target import Target
    from osm3s.update.update_files import check_level

    if start != "auto" and not (start.isascii() and start.isdecimal()):
        raise UsageError(f"start_id must be a number or auto, not {start}")
    target, clock = Target(database_dir(), follow_map), SystemClock()
    check_level(target.position().level, level)
    asked = target.noted_sequence() if start == "auto" else int(start)
    if asked is None:
        raise UsageError(f"{target.db.replicate_id} does not exist and start set to auto")
    log = ScriptLog(target.db.apply_log, clock)
    follower = Follower(
        ArchiveFeed(os.path.realpath(replicate_dir)),
        target,
        FixedPace(IDLE_S, FAILURE_S),
        clock,
        log,
        Limits(MOST_DIFFS, MOST_BYTES),
        asked,
    )
    log.begins()
    try:
        follower.run()
    except Interrupted:
        log.terminated()
        raise


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) < 3:
        print(USAGE)
        return 0
    if arguments[2] not in LEVELS:
        print("You must specify --meta=yes or --meta=no")
        return 0
    usage = USAGE.splitlines()[0]
    return run("apply_osc_to_db.sh", usage, lambda: work(arguments[0], arguments[1], LEVELS[arguments[2]]))


if __name__ == "__main__":
    sys.exit(main())
