"""`fetch_osc_and_apply.sh`: applies the diffs of a feed as they come, as the reference does, but verified."""

from __future__ import annotations

import sys

from osm3s.cli.run_update import Interrupted, run
from osm3s.errors import UsageError

USAGE = """\
Usage: fetch_osc_and_apply.sh diff_url
Error : Set the URL to get diffs from (like https://planet.osm.org/replication/minute )"""

IDLE_S, FAILURE_S = 10.0, 60.0
MOST_DIFFS, MOST_BYTES = 1440, 64 << 20


def work(url: str) -> None:
    from osm3s.cli.database_of import database_dir
    from osm3s.cli.update_map import follow_map
    from osm3s.replication.ahead import FeedAhead
    from osm3s.replication.clock import SystemClock
    from osm3s.replication.feed import HttpFeed
    from osm3s.replication.follow import Follower, Limits
    from osm3s.replication.pace import FixedPace
    from osm3s.replication.script_log import ScriptLog
    from osm3s.replication.target import Target

    target, clock = Target(database_dir(), follow_map), SystemClock()
    noted = target.noted_sequence()
    if noted is None:
        raise UsageError(f"{target.db.replicate_id} does not exist")
    log = ScriptLog(target.db.fetch_and_apply_log, clock)
    feed, pace = FeedAhead(HttpFeed(url)), FixedPace(IDLE_S, FAILURE_S)
    log.begins()
    try:
        Follower(feed, target, pace, clock, log, Limits(MOST_DIFFS, MOST_BYTES), noted).run()
    except Interrupted:
        log.terminated()
        raise


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments:
        print(USAGE)
        return 0
    return run("fetch_osc_and_apply.sh", USAGE.splitlines()[0], lambda: work(arguments[0]))


if __name__ == "__main__":
    sys.exit(main())
