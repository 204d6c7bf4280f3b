"""`fetch_osc.sh`: keeps a local archive of the diffs of a feed, with the reference's arguments, files and log."""

from __future__ import annotations

import os
import signal
import sys

from osm3s.errors import Osm3sError, UsageError

USAGE = """\
Usage: fetch_osc.sh Replicate_id Source_dir Local_dir

Copies the diffs of a feed from number Replicate_id on into the directory Local_dir, for ever.
  Replicate_id   a number, or auto: that of the last diff in the database
  Source_dir     URL of the feed, like https://planet.openstreetmap.org/replication/minute
  Local_dir      gets AAA/BBB/CCC.state.txt, AAA/BBB/CCC.osc.gz, state.txt, replicate_id and fetch_osc.log
apply_osc_to_db.sh brings them into the database. (osm3s follow does both at once.)"""


def start(replicate_id: str) -> int:
    """Raises UsageError, StorageError, DispatcherError."""
    if replicate_id.isascii() and replicate_id.isdecimal():
        return int(replicate_id)
    if replicate_id != "auto":
        raise UsageError(f"Replicate_id must be a number or auto, not {replicate_id}")
    from osm3s.cli.database_of import database_dir
    from osm3s.replication.target import Target

    target = Target(database_dir())
    sequence = target.noted_sequence()
    if sequence is None:
        raise UsageError(f"{target.db.replicate_id} does not exist and start set to auto")
    return sequence


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) < 3 or arguments[0] in ("--help", "-h"):
        print(USAGE)
        return 0
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whatever is being written appears complete, or not at all
    from osm3s.replication.clock import SystemClock
    from osm3s.replication.feed import HttpFeed
    from osm3s.replication.fetch import ArchiveFetcher

    try:
        sequence = start(arguments[0])
        ArchiveFetcher(HttpFeed(arguments[1]), os.path.realpath(arguments[2]), SystemClock()).run(sequence)
    except Osm3sError as error:
        print(f"fetch_osc.sh: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
