"""`osm3s_frontend`: the warmed parent alone, for CGI under another web server and for local programs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from osm3s.cli import frontend_options, osm3s_query
from osm3s.cli.ends_with import end_with
from osm3s.cli.frontend_options import FrontendOptions
from osm3s.errors import Osm3sError, UsageError
from osm3s.paths import DatabaseDir
from osm3s.serve import warm as warm
from osm3s.serve import web
from osm3s.serve.child import Answer
from osm3s.serve.frontend import Engine
from osm3s.serve.parent import Parent
from osm3s.serve.request import Database, Request
from osm3s.serve.slow_log import slow_log

HELP = f"""\
osm3s_frontend: keeps processes waiting that answer queries at once. cgi-bin/interpreter, bin/osm3s_query and
osm3s.connect() find it through the database directory and use it while it runs. (osm3s_server starts one itself.)

  --db-dir=DIR        directory of the database; required
{frontend_options.HELP}\
  --direct            answer without a dispatcher if none runs
  --ends-with=PID     end when the process that has started this one ends, and that is PID

SIGTERM or Ctrl-C stops it, and the queries that run.
"""


@dataclass(slots=True)
class Options(FrontendOptions):
    direct: bool = False
    ends_with: int = 0
    help: bool = False


def parse_options(arguments: list[str]) -> Options:
    """Raises UsageError."""
    options = Options()
    for argument in arguments:
        if argument == "--direct":
            options.direct = True
        elif argument.startswith("--ends-with=") and argument[12:].isdecimal():
            options.ends_with = int(argument[12:])
        elif argument == "--help":
            options.help = True
        elif not options.take(argument):
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
        if options.ends_with:
            end_with(options.ends_with)
        from osm3s.serve.engine import NATIVE

        run(options, sys.stdout.fileno(), NATIVE)
    except Osm3sError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
