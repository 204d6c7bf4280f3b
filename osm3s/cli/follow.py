"""`osm3s follow`: keeps a database up to date from a feed of diffs, all in one process."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass

from osm3s.cli.run_update import INTERRUPTED_STATUS, run
from osm3s.errors import Osm3sError, UsageError
from osm3s.service_manager import notify

USAGE = "Usage: osm3s follow [URL|DIR] --db-dir=DIR [--once]   (--help explains)"

HELP = """\
osm3s follow: keep a database up to date from a feed of diffs.

  osm3s follow https://planet.openstreetmap.org/replication/minute --db-dir=my-db
  osm3s follow --db-dir=my-db           the feed that the database names: that of its extract, or that of the last time
  osm3s follow --once --db-dir=my-db    only until the newest diff is in, for a timer

URL is the directory that state.txt is in; a local directory will do as well. Where to begin is told by the database:
by the number of its last diff, and where that is not known, or of another feed, by its timestamp. Diffs are fetched
and verified to their last byte before anything is written. Each batch is one transaction, in which data, timestamp and
number change together; queries go on meanwhile. A dispatcher, if one runs, is asked for permission.

  --db-dir=DIR     the database directory. Without it: $OVERPASS_DB_DIR, else that of the running dispatcher
  --start=N        the last diff that the data contains; only where the database does not know that
  --once           stop when the newest diff is in; a failure ends it, too
  --batch=N        at most so many diffs per transaction (default 1440)
  --batch-mb=N     and not more when they are larger than this, as XML (default 64)
  --quiet          tell of failures only

Failures (no network, a missing or damaged file, a full disk, no dispatcher, ...) are told on standard error, and tried
again after 5 seconds to 5 minutes, for ever. Nothing is ever skipped: behind a diff that is missing, none is applied.

Exit status: 0 stopped by SIGTERM or Ctrl-C, or --once is done; 1 wrong usage, or a start that would leave a gap;
2 and 3 what --once could not do. After any of them the database holds whole batches only.
"""


@dataclass(slots=True)
class Options:
    source: str = ""
    db_dir: str = ""
    start: int | None = None
    once: bool = False
    batch: int = 1440
    batch_mb: int = 64
    quiet: bool = False
    help: bool = False


def parse(arguments: list[str]) -> Options:
    """Raises UsageError."""
    options = Options()
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        if argument in ("--once", "--quiet", "--help"):
            setattr(options, flag[2:], True)
        elif not argument.startswith("-") and argument and not options.source:
            options.source = argument
        elif flag == "--db-dir" and value:
            options.db_dir = value
        elif flag in ("--start", "--batch", "--batch-mb") and equals:
            if not (value.isascii() and value.isdecimal()) or (flag != "--start" and int(value) == 0):
                raise UsageError(f"Wrong value: {argument}: a number is needed")
            setattr(options, flag[2:].replace("-", "_"), int(value))
        else:
            raise UsageError(f"Unknown argument: {argument}")
    return options


def follow(options: Options) -> None:
    from osm3s.cli.database_of import database_dir
    from osm3s.cli.update_map import follow_map
    from osm3s.replication.ahead import FeedAhead
    from osm3s.replication.archive import ArchiveFeed
    from osm3s.replication.clock import SystemClock
    from osm3s.replication.feed import HttpFeed
    from osm3s.replication.follow import Follower, Limits, learn_interval
    from osm3s.replication.pace import FeedPace
    from osm3s.replication.people_log import PeopleLog
    from osm3s.replication.target import Target

    target = Target(os.path.realpath(options.db_dir) if options.db_dir else database_dir(), follow_map)
    position = target.position()
    source = options.source or position.replication_url
    if not source:
        raise UsageError("which feed? The database does not name one, so a URL is needed")
    if "://" in source and not source.startswith(("http://", "https://")):
        raise UsageError(f"{source}: only http and https can be fetched")
    if "://" not in source and not os.path.isdir(source):
        raise UsageError(f"{source}: neither a URL nor a directory")
    feed = FeedAhead(HttpFeed(source)) if "://" in source else ArchiveFeed(source)
    clock, pace = SystemClock(), FeedPace()
    log = PeopleLog(clock, quiet=options.quiet)
    log.say(f"following {source} with {target.db.root}, whose data is of {position.timestamp or 'an unknown time'}")
    notify("READY=1")
    limits = Limits(options.batch, options.batch_mb << 20)
    follower = Follower(feed, target, pace, clock, log, limits, options.start)
    if not options.once:
        with suppress(Osm3sError):  # the loop will tell
            learn_interval(feed, pace)
    follower.run(once=options.once)


def main(arguments: list[str] | None = None) -> int:
    def work() -> None:
        options = parse(sys.argv[1:] if arguments is None else arguments)
        if options.help:
            sys.stdout.write(HELP)
        else:
            follow(options)

    status = run("osm3s follow", USAGE, work)
    return 0 if status == INTERRUPTED_STATUS else status


if __name__ == "__main__":
    sys.exit(main())
