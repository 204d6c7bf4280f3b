"""`osm3s_frontend`: the warmed parent alone, for CGI under another web server and for local programs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from osm3s.cli import osm3s_query
from osm3s.errors import Osm3sError, UsageError
from osm3s.paths import DatabaseDir
from osm3s.serve import warm as warm
from osm3s.serve import web
from osm3s.serve.child import Answer
from osm3s.serve.frontend import Engine
from osm3s.serve.parent import Parent
from osm3s.serve.request import Database, Request
from osm3s.serve.slow_log import DEFAULT_THRESHOLD_S, slow_log

HELP = """\
osm3s_frontend: keeps processes waiting that answer queries at once. cgi-bin/interpreter, bin/osm3s_query and
osm3s.connect() find it through the database directory and use it while it runs. (osm3s_server starts one itself.)

  --db-dir=DIR        directory of the database; required
  --socket-dir=DIR    where the sockets are, if not in the database directory
  --idle=N            processes that wait (default: 2 per core)
  --running=N         queries at a time; further ones wait (default 64)
  --reuse=N           let a process answer up to N queries, one after the other, as long as all end well
                      (default 1: every query has a process of its own; more makes small queries cheaper)
  --slow-query=S      log queries that take so many seconds, with their plans, in slow_queries.log (default 10; 0: none)
  --direct            answer without a dispatcher if none runs

SIGTERM or Ctrl-C stops it, and the queries that run.
"""


@dataclass(slots=True)
class Options:
    db_dir: str = ""
    socket_dir: str | None = None
    idle: int = 0
    running: int = 64
    reuse: int = 1
    slow_query: int = DEFAULT_THRESHOLD_S
    direct: bool = False
    help: bool = False


def parse_options(arguments: list[str]) -> Options:
    """Raises UsageError."""
    options = Options()
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name == "--db-dir" and value:
            options.db_dir = value
        elif name == "--socket-dir" and value:
            options.socket_dir = value
        elif name in ("--idle", "--running", "--reuse") and value.isdecimal() and int(value) > 0:
            setattr(options, name[2:], int(value))
        elif name == "--slow-query" and value.isdecimal():
            options.slow_query = int(value)
        elif argument == "--direct":
            options.direct = True
        elif argument == "--help":
            options.help = True
        else:
            raise UsageError(f"osm3s_frontend: unknown argument or missing value: {argument} (--help lists them)")
    if not options.db_dir and not options.help:
        raise UsageError("osm3s_frontend: say which database with --db-dir=DIR")
    return options


def run(options: Options, ready: int | None, engine: Engine) -> None:
    """Returns when told to stop. Raises DispatcherError if a frontend runs already."""
    root = os.path.realpath(options.db_dir)
    directory = DatabaseDir(root)
    parent = Parent(
        directory.frontend_socket(options.socket_dir),
        answers(Database(root, options.direct, options.socket_dir), engine),
        directory.database_log,
        running_children=options.running,
        reuse=options.reuse,
    )
    if options.idle:
        parent.idle_children = options.idle
    slow_log.threshold_s = options.slow_query
    parent.run(ready)


def answers(database: Database, engine: Engine) -> Answer:
    """What a child does with a request."""

    def answer(request: Request, descriptors: list[int]) -> int:
        if request.door == "osm3s_query":
            return osm3s_query.answer(request, descriptors, database, engine)
        return web.serve(request, descriptors[0], database, engine)

    return answer


def main() -> int:
    try:
        options = parse_options(sys.argv[1:])
        if options.help:
            sys.stdout.write(HELP)
            return 0
        from osm3s.serve.engine import NATIVE

        run(options, sys.stdout.fileno(), NATIVE)
    except Osm3sError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
