"""`osm3s`: one door to the programs of this project, each a sub-command with the options of its program."""

from __future__ import annotations

import difflib
import importlib
import sys
from dataclasses import dataclass

from osm3s.errors import UsageError


@dataclass(frozen=True, slots=True)
class Command:
    """`module` has a function `main` that reads `sys.argv` and returns the exit status."""

    module: str
    summary: str


COMMANDS = {
    "update": Command("osm3s.cli.update_database", "make a database from a planet file or an extract, or apply diffs"),
    "query": Command("osm3s.cli.osm3s_query", "ask a database; the query is read from standard input"),
    "serve": Command("osm3s.cli.server", "answer queries over HTTP"),
    "follow": Command("osm3s.cli.follow", "keep a database up to date from a feed of diffs"),
    "install-units": Command(
        "osm3s.cli.install_units", "run osm3s as services of this machine: systemd, nginx, logrotate"
    ),
    "api-key": Command("osm3s.cli.api_key", "make a key that gives its holder slots of their own"),
    "doctor": Command("osm3s.cli.doctor", "say what is wrong with an installation, and what to do"),
    "verify": Command("osm3s.cli.verify", "check a database from end to end"),
}
"""In the order in which they are needed."""

HEAD = """\
osm3s: a database for OpenStreetMap data that is queried in the Overpass language.

  osm3s update --db-dir=my-db --meta extract.osm.pbf           a database from a file
  echo 'node[amenity=cafe];out 3;' | osm3s query --db-dir=my-db    a question, without any server
  osm3s serve --db-dir=my-db --port=8080 --with-dispatcher     a server

Commands:
"""
TAIL = """
osm3s COMMAND --help explains a command. Every command ends with status 0 if it did what it was asked to.
"""


def help_text() -> str:
    width = max(map(len, COMMANDS))
    return HEAD + "".join(f"  {name:<{width}}  {command.summary}\n" for name, command in COMMANDS.items()) + TAIL


def run(arguments: list[str]) -> int:
    """Raises UsageError."""
    if arguments[:1] == ["help"] and len(arguments) > 1:
        arguments = [arguments[1], "--help"]
    if not arguments or arguments[0] in ("help", "--help", "-h"):
        sys.stdout.write(help_text())
        return 0
    name = arguments[0]
    command = COMMANDS.get(name)
    if command is None:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        meant = f"did you mean {near[0]}?" if near else "osm3s --help lists those that there are."
        raise UsageError(f"osm3s: there is no command {name}: {meant}")
    sys.argv = [f"osm3s {name}", *arguments[1:]]
    status: int = importlib.import_module(command.module).main()
    return status


def main(arguments: list[str] | None = None) -> int:
    try:
        return run(sys.argv[1:] if arguments is None else arguments)
    except UsageError as error:
        print(error, file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
