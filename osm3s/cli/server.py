"""`osm3s_server`: the built-in web server with everything behind it: frontends, and a dispatcher if wanted."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osm3s import service_manager
from osm3s.cli import frontend_options, server_processes
from osm3s.cli.frontend_options import FrontendOptions
from osm3s.errors import DispatcherError, Osm3sError, UsageError
from osm3s.paths import DatabaseDir

if TYPE_CHECKING:
    from osm3s.serve.access_log import AccessLog

HELP = f"""\
osm3s_server: answers queries over HTTP.

  osm3s_server --db-dir=DIR --port=8080          then: curl -d '[out:json];node(1);out;' URL/api/interpreter

  --db-dir=DIR        directory of the database; required
  --port=N            TCP port (default 8080; 0 takes any that is free)
  --host=ADDRESS      address to listen on (default 127.0.0.1: this machine only; 0.0.0.0 is everyone)
  --with-dispatcher   also run the dispatcher, which limits load and lets updates happen while queries run; if it dies,
                      it is started again
  --rate-limit=N      with it: queries at a time per client address (default: no limit)
  --trusted-proxy=ADDRESS   believe the X-Forwarded-For of this proxy, or of this network (10.0.0.0/8) of proxies; may
                      be given several times. Without it nobody's header is believed
  --access-log[=FILE] a line of JSON for each request, in access.log of the database directory or in FILE
{frontend_options.HELP}
Places: / is a query editor; queries go to /api/interpreter (GET, POST); beside it are status, timestamp, map, xapi,
xapi_meta, kill_my_queries, convert, augmented_diff and others (see cgi-bin/); the same under /cgi-bin/. For load
balancers /healthz (?max_lag=SECONDS: not with older data), for Prometheus /metrics.
The address is printed when queries can be asked. SIGTERM or Ctrl-C stops everything that was started.
"""


@dataclass(slots=True)
class Options(FrontendOptions):
    port: int = 8080
    host: str = "127.0.0.1"
    with_dispatcher: bool = False
    rate_limit: str = ""
    trusted_proxies: list[str] = field(default_factory=list)
    access_log: str | None = None
    """Where; "" is the usual place, None is nowhere."""
    help: bool = False


def parse_options(arguments: list[str]) -> Options:
    """Raises UsageError."""
    options = Options()
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name == "--port" and value.isdecimal() and int(value) < 65536:
            options.port = int(value)
        elif name == "--host" and value:
            options.host = value
        elif argument == "--with-dispatcher":
            options.with_dispatcher = True
        elif name == "--rate-limit" and value.isdecimal():
            options.rate_limit = argument
        elif name == "--trusted-proxy" and value:
            options.trusted_proxies.append(value)
        elif argument == "--access-log" or (name == "--access-log" and value):
            options.access_log = value
        elif argument == "--help":
            options.help = True
        elif not options.take(argument):
            raise UsageError(f"osm3s_server: unknown argument or missing value: {argument} (--help lists them)")
    if not options.help and not options.db_dir:
        raise UsageError("osm3s_server: say which database with --db-dir=DIR")
    if not options.help and not os.path.exists(DatabaseDir(options.db_dir).index):
        raise UsageError(
            f"There is no database in {options.db_dir}: import one with update_database --db-dir={options.db_dir}"
        )
    return options


def serve(options: Options) -> None:
    """Returns when told to stop. Raises UsageError and DispatcherError."""
    from osm3s.serve.http import HttpServer, bind
    from osm3s.serve.trusted_proxies import TrustedProxies

    stop, stop_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _wake)
    signal.set_wakeup_fd(stop_in, warn_on_full_buffer=False)
    _allow_many_descriptors()
    proxies = TrustedProxies(options.trusted_proxies)
    listener = service_manager.inherited_listener() or bind(options.host, options.port)
    with ExitStack() as started:
        access_log = started.enter_context(_access_log(options))
        db = DatabaseDir(os.path.realpath(options.db_dir))
        if options.with_dispatcher:
            started.enter_context(_dispatcher(options, db.database_log))
        # the end of the frontends is the end of the server
        frontend = started.enter_context(server_processes.frontends(options.given, stop_in))
        host, port = listener.getsockname()[:2]
        print(f"http://{f'[{host}]' if ':' in host else host}:{port}/api/interpreter", flush=True)
        path = db.frontend_socket(options.socket_dir)
        server = HttpServer(listener, path, trusted_proxies=proxies, access_log=access_log, log_path=db.database_log)
        service_manager.notify("READY=1", f"STATUS=Serving {options.db_dir}")
        if frontend.poll() is None:
            server.run(stop)
        service_manager.notify("STOPPING=1")
        if frontend.poll() is not None:
            raise DispatcherError("The processes that answer queries have ended, so the server stops too.")


@contextmanager
def _access_log(options: Options) -> Iterator[AccessLog | None]:
    from osm3s.serve.access_log import AccessLog

    if options.access_log is None:
        yield None
        return
    path = options.access_log or DatabaseDir(options.db_dir).access_log
    try:
        log = AccessLog(path)
    except OSError as error:
        raise UsageError(f"The access log {path} cannot be written: {error.strerror}.") from error
    with closing(log):
        yield log


def _wake(number: int, frame: object) -> None:
    """Having a handler is enough: the signal writes into the wakeup descriptor."""


def _dispatcher(options: Options, log_path: str) -> AbstractContextManager[None]:
    """A dispatcher of our own."""
    from osm3s.dispatch.client import is_running

    if is_running(options.db_dir, options.socket_dir):
        raise DispatcherError("A dispatcher runs already and will be used: leave out --with-dispatcher.")
    arguments = [f"--db-dir={options.db_dir}"]
    if options.socket_dir:
        arguments.append(f"--socket-dir={options.socket_dir}")
    if options.rate_limit:
        arguments.append(options.rate_limit)
    return server_processes.dispatcher(arguments, log_path)


def _allow_many_descriptors() -> None:
    """Every connection takes two; the usual soft limit is for programs that use select()."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> int:
    try:
        options = parse_options(sys.argv[1:])
        if options.help:
            sys.stdout.write(HELP)
            return 0
        serve(options)
    except Osm3sError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
