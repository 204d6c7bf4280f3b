"""What frontends are told on the command line, by who runs `osm3s_frontend` as by who runs `osm3s_server`."""

from __future__ import annotations

from dataclasses import dataclass, field

from osm3s.constants import DEFAULT_SLOW_QUERY_S

HELP = f"""\
  --socket-dir=DIR    where the sockets are, if not in the database directory
  --idle=N            processes that wait for queries (default: 2 per core)
  --running=N         queries at a time; further ones wait (default 64)
  --reuse=N           let a process answer up to N queries, one after the other, as long as all end well
                      (default 1: every query has a process of its own; more makes small queries cheaper)
  --slow-query=S      log queries that take so many seconds, with their plans, in slow_queries.log
                      (default {DEFAULT_SLOW_QUERY_S}; 0: none)
"""


@dataclass(slots=True)
class FrontendOptions:
    """`given`: the arguments that have been taken, for a process that is started with them."""

    db_dir: str = ""
    socket_dir: str | None = None
    idle: int = 0
    running: int = 64
    reuse: int = 1
    slow_query: int = DEFAULT_SLOW_QUERY_S
    given: list[str] = field(default_factory=list)

    def take(self, argument: str) -> bool:
        """Whether it is one of these options, with a value that it can have."""
        name, _, value = argument.partition("=")
        if name in ("--db-dir", "--socket-dir") and value:
            setattr(self, name[2:].replace("-", "_"), value)
        elif name in ("--idle", "--running", "--reuse") and value.isdecimal() and int(value) > 0:
            setattr(self, name[2:], int(value))
        elif name == "--slow-query" and value.isdecimal():
            self.slow_query = int(value)
        else:
            return False
        self.given.append(argument)
        return True
