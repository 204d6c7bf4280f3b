"""`migrate_database`: says whether a database is of the format of this program, with the reference's options."""

from __future__ import annotations

import sys

from osm3s.cli.run_update import run
from osm3s.cli.update_options import parse
from osm3s.errors import CorruptError

USAGE = "Usage: migrate_database [--migrate] [--db-dir=DIR]   (--help explains)"

HELP = """\
migrate_database: say whether this program can read a database, for scripts that ask before each start.

  migrate_database --migrate --db-dir=DIR

Nothing is printed when it can, or when there is no database; there is no older format yet that could be migrated. A
database of another format must be imported again.

  --db-dir=DIR   the database directory. Without it: $OVERPASS_DB_DIR, else that of the running dispatcher
  --migrate, --version=TEXT, --data-only, --meta, --keep-attic, --flush-size=N
                 accepted for the sake of scripts

Exit status: 0 yes, 1 wrong usage, 2 no.
"""


def check(db_dir: str | None) -> None:
    """Raises CorruptError if the format is another, StorageError, DispatcherError."""
    from osm3s.cli.database_of import database_dir
    from osm3s.paths import DatabaseDir
    from osm3s.storage.index import settings_in_file

    of_map = DatabaseDir(db_dir or database_dir())
    for db in (of_map, of_map.areas):
        if db.exists:
            try:
                settings_in_file(db.index)
            except CorruptError as error:
                raise CorruptError(f"{db.index}: {str(error).removeprefix(f'{db.index}: ')}") from None


def main(arguments: list[str] | None = None) -> int:
    def work() -> None:
        given = [a for a in (sys.argv[1:] if arguments is None else arguments) if a != "--migrate"]
        options = parse(given, ("--db-dir", "--version", "--flush-size"), files_allowed=False)
        if options.help:
            sys.stdout.write(HELP)
        else:
            check(options.db_dir)

    return run("migrate_database", USAGE, work)


if __name__ == "__main__":
    sys.exit(main())
