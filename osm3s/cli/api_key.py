"""`osm3s api-key`: makes a key that gives its holder slots of their own."""

from __future__ import annotations

import os
import sys

from osm3s.cli.database_of import database_dir
from osm3s.dispatch.api_keys import add_key
from osm3s.errors import Osm3sError, StorageError, UsageError
from osm3s.paths import DatabaseDir

HELP = """\
osm3s api-key: make a key that gives its holder slots of their own, wherever they ask from.

  osm3s api-key NAME --slots=8 --db-dir=DIR

Prints the key, which is not stored: the file api_keys of the database directory has its hash, the slots and the name.
To withdraw a key, remove its line. The holder sends it as header `X-API-Key: KEY`, or as `apikey=KEY` beside `data=`.
A dispatcher that runs knows it at once.

  --slots=N       queries at a time; 0: as many as they like (default 8)
  --db-dir=DIR    without it: $OVERPASS_DB_DIR, else the database of the running dispatcher
"""
DEFAULT_SLOTS = 8


def make(arguments: list[str]) -> str:
    """The new key. Raises UsageError, StorageError, DispatcherError."""
    name, slots, db_dir = "", DEFAULT_SLOTS, ""
    for argument in arguments:
        flag, _, value = argument.partition("=")
        if flag == "--slots" and value.isascii() and value.isdigit():
            slots = int(value)
        elif flag == "--db-dir" and value:
            db_dir = value
        elif not argument.startswith("-") and argument.isprintable() and argument and not name:
            name = argument
        else:
            raise UsageError(f"osm3s api-key: unknown argument or wrong value: {argument} (--help explains)")
    if not name:
        raise UsageError("osm3s api-key: say whom the key is for: osm3s api-key NAME")
    path = DatabaseDir(os.path.realpath(db_dir) if db_dir else database_dir()).api_keys
    try:
        return add_key(path, slots, name)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from None


def main() -> int:
    try:
        if sys.argv[1:] == ["--help"]:
            sys.stdout.write(HELP)
        else:
            print(make(sys.argv[1:]))
    except Osm3sError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
