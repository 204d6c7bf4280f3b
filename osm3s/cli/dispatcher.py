"""`dispatcher`: starts the process that hands out permission to read and write a database, and talks to it.

Departures from the reference: what cannot be done ends with a status other than 0 (the reference: almost always 0), and
`--db-dir` also says which of several running dispatchers a control option is meant for.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from osm3s.errors import DispatcherError, Osm3sError, UsageError
from osm3s.paths import AREAS, OSM_BASE, DatabaseDir

if TYPE_CHECKING:
    from osm3s.dispatch.client import DispatcherClient
    from osm3s.dispatch.recovery import Recovery

USAGE = (
    "Usage: dispatcher --osm-base|--areas [--meta|--attic] --db-dir=DIR [--daemon]   |   "
    "dispatcher --status|--terminate|--show-dir|…   (--help explains)"
)

HELP = """\
dispatcher: hands out permission to read and to write an osm3s database, publishes commits, cleans up after the dead.

Start (one per database and domain; runs until it is told to stop):
  dispatcher --osm-base --db-dir=DIR             serve the database in DIR, in the foreground
  dispatcher --areas --db-dir=DIR                serve its areas: whoever writes them waits here for the permission.
                                                 Everything also works without; with --areas the control options
                                                 below talk to this dispatcher
  dispatcher --osm-base --db-dir=DIR --daemon    the same in the background; returns when clients can connect

  --meta, --attic             accepted for the sake of scripts: the database itself records what it keeps
  --socket-dir=DIR            put the socket there instead of into the database directory
  --rate-limit=N              queries at a time per client address; 0, the default, is no limit
  --space=BYTES               memory that all running queries together may claim (default 12 GiB)
  --time=UNITS                seconds that all running queries together may claim (default 262144)
  --allow-duplicate-queries=yes|no   may more than three of the same query of one client run or wait? (default no)
  --server-name=URL           address of this server, for status and error texts
  --ends-with=PID             end when the process that has started this one ends, and that is PID; print an empty line
                              when clients can connect
  --purge-timeout=SECONDS     forget a reader, and kill a writer, that is silent for so long (default 900)

Talk to the running one (that of --db-dir, else of $OVERPASS_DB_DIR, else the one started last):
  --status                    print counters, limits and running queries
  --show-dir                  print the database directory, with trailing slash and without newline
  --terminate                 stop it; returns when it is gone
  --purge=PID                 forget what is known about that process; a writer is killed and rolled back
  --query_token               print the pid of a running query of the address in $REMOTE_ADDR
  --rate-limit, --space, --time, --allow-duplicate-queries, --server-name without --db-dir: change them now

A dispatcher that was killed needs no care: the next one takes over its lock, socket and shared memory,
and rolls an interrupted commit back or forward. SIGTERM stops it in order; a writer gets 5 seconds to finish.

Exit status: 0 done, 1 wrong usage, 2 or an errno if it could not be done (control options print `File_Error …`).
"""


AREAS_SPACE_BYTES = 4 << 30
"""The reference's default for the dispatcher of the areas."""


@dataclass(slots=True)
class Options:
    osm_base: bool = False
    areas: bool = False
    meta: bool = False
    attic: bool = False
    daemon: bool = False
    terminate: bool = False
    status: bool = False
    show_dir: bool = False
    query_token: bool = False
    help: bool = False
    db_dir: str = ""
    socket_dir: str = ""
    server_name: str = ""
    purge: int = 0
    space: int = 0
    time: int = 0
    rate_limit: int = -1
    purge_timeout: int = 900
    ends_with: int = 0
    allow_duplicate_queries: bool | None = None

    @property
    def domain(self) -> str:
        return AREAS if self.areas else OSM_BASE

    @property
    def changes_limits(self) -> bool:
        return bool(self.space or self.time or self.rate_limit >= 0 or self.allow_duplicate_queries is not None)


MOST_DIGITS = 18
"""Of a number, so that it fits 64 bits."""
FLAGS = {"--" + field.name.replace("_", "-"): field.name for field in fields(Options)}
FLAGS["--query_token"] = FLAGS.pop("--query-token")


def parse(arguments: list[str]) -> Options:
    """Raises UsageError."""
    options = Options()
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        name = FLAGS.get(flag)
        known = getattr(options, name) if name else None
        if name is None:
            raise UsageError(f"Unknown argument: {argument}")
        elif name == "allow_duplicate_queries" and value in ("yes", "no"):
            options.allow_duplicate_queries = value == "yes"
        elif isinstance(known, bool) and not equals:
            setattr(options, name, True)
        elif isinstance(known, str) and value:
            setattr(options, name, value)
        elif type(known) is int and value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS:
            setattr(options, name, int(value))
        else:
            raise UsageError(f"Wrong value: {argument}")
    if options.purge_timeout == 0:
        raise UsageError("Wrong value: --purge-timeout=0")
    for one, other, message in (
        ("areas", "osm_base", '"--areas" and "--osm-base" need separate instances.'),
        ("areas", "meta", '"--areas" and "--meta" cannot be combined.'),
        ("areas", "attic", '"--areas" and "--attic" cannot be combined.'),
        ("attic", "meta", '"--attic" and "--meta" cannot be combined.'),
    ):
        if getattr(options, one) and getattr(options, other):
            raise UsageError(message)
    return options


def control(options: Options) -> Callable[[DispatcherClient], object] | None:
    """What to ask of a running dispatcher; if a text comes of it, it is printed. None if one is to be started."""
    if options.terminate:
        return lambda client: client.terminate()
    if options.status:
        return lambda client: client.status()
    if options.show_dir:
        return lambda client: client.db_dir.rstrip("/") + "/"
    if options.purge:
        return lambda client: client.purge(options.purge)
    if options.query_token:
        return _query_by_address
    if not options.db_dir and (options.changes_limits or options.server_name):
        return lambda client: _change(options, client)
    return None


def _query_by_address(client: DispatcherClient) -> str:
    from osm3s.dispatch.identity import client_token

    pid = client.query_by_token(client_token(os.environ.get("REMOTE_ADDR", "")))
    return f"{pid}\n" if pid else ""


def _change(options: Options, client: DispatcherClient) -> None:
    if options.changes_limits:
        client.set_limits(options.space, options.time, options.rate_limit, options.allow_duplicate_queries)
    if options.server_name:
        write_server_name(client.db_dir, options.server_name)


def write_server_name(db_dir: str, name: str) -> None:
    """Raises DispatcherError."""
    path = DatabaseDir(db_dir).server_name
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(name + "\n")
    except OSError as error:
        raise DispatcherError(f"cannot write {path}: {error.strerror}", errno=error.errno or 0, file=path) from None


def talk(options: Options, request: Callable[[DispatcherClient], object]) -> int:
    from osm3s.dispatch.client import DispatcherClient

    try:
        with DispatcherClient.connect(options.db_dir or None, options.socket_dir or None, options.domain) as client:
            answer = request(client)
            sys.stdout.write(answer if isinstance(answer, str) else "")
    except DispatcherError as error:
        print(f"File_Error {os.strerror(error.errno)} {error.errno} {error.file} {error.origin}")
        print(error, file=sys.stderr)
        return error.errno or error.exit_status
    return 0


def serve(options: Options, recovery: Callable[[str, str], Recovery], ready: Callable[[], None] = lambda: None) -> None:
    """Serve until told to stop. Raises DispatcherError if that is not possible here."""
    import gc

    gc.disable()  # starting creates no garbage, and looking for it would cost a quarter of the time
    from osm3s.dispatch.instance import Instance

    # a signal that comes before the server can end in good order is kept for it
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    instance = Instance(options.db_dir, options.socket_dir or None, options.domain)
    from osm3s.dispatch.admission import Limits  # after the cheap refusal of a second dispatcher
    from osm3s.dispatch.resource_planner import ResourcePlanner
    from osm3s.dispatch.server import Server

    if options.server_name:
        write_server_name(options.db_dir, options.server_name)
    limits = Limits() if options.osm_base else Limits(space_bytes=AREAS_SPACE_BYTES)
    duplicates = -1 if options.allow_duplicate_queries is None else int(options.allow_duplicate_queries)
    limits.change(options.space, options.time, options.rate_limit, duplicates)
    rules = ResourcePlanner(limits)
    server = Server(instance, recovery(instance.db.root, options.domain), rules, purge_timeout_s=options.purge_timeout)
    gc.freeze()  # what is there now stays for ever
    gc.enable()
    server.run(ready)


def serve_in_background(options: Options, recovery: Callable[[str, str], Recovery]) -> int:
    """Return when the process in the background serves, or with its status when it could not start."""
    reading_end, writing_end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing_end)
        if os.read(reading_end, 1):
            return 0
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(reading_end)
    os.setsid()

    def ready() -> None:
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.write(writing_end, b"1")
        os.close(writing_end)

    serve(options, recovery, ready)
    return 0


def storage_recovery(db_dir: str, domain: str) -> Recovery:
    from osm3s.cli.storage_recovery import StorageRecovery

    return StorageRecovery(db_dir, domain)


def main(arguments: list[str] | None = None, recovery: Callable[[str, str], Recovery] = storage_recovery) -> int:
    try:
        options = parse(sys.argv[1:] if arguments is None else arguments)
        if options.help:
            sys.stdout.write(HELP)
            return 0
        request = control(options)
        if request is not None:
            return talk(options, request)
        if not (options.osm_base or options.areas) or not options.db_dir:
            raise UsageError("Nothing to do: starting needs --osm-base or --areas, and --db-dir=DIR.")
        if options.daemon:
            return serve_in_background(options, recovery)
        if options.ends_with:
            from osm3s.cli.ends_with import end_with

            signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
            end_with(options.ends_with)
            serve(options, recovery, lambda: print(flush=True))
        else:
            serve(options, recovery)
    except UsageError as error:
        print(f"{error}\n{USAGE}", file=sys.stderr)
        return error.exit_status
    except Osm3sError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
