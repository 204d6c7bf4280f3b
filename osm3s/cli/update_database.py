"""`update_database`: imports OSM data into an empty database, or applies data and changes to one that is filled."""

from __future__ import annotations

import sys

from osm3s.cli.run_update import leave, run
from osm3s.cli.update_options import UpdateOptions, parse

VALUE_FLAGS = frozenset(
    (
        "--db-dir",
        "--version",
        "--replicate-id",
        "--flush-size",
        "--areas",
        "--compression-method",
        "--map-compression-method",
    )
)

USAGE = "Usage: update_database [--db-dir=DIR] [--meta|--keep-attic|--data-only] [FILE…]   (--help explains)"

HELP = """\
update_database: import OSM data into an empty database, or apply data and changes to one that is filled.

  update_database --db-dir=DIR --meta extract.osm.pbf       a new database from a file
  zcat planet.osm.gz | update_database --db-dir=DIR         a new database from standard input
  update_database --db-dir=DIR change.osc.gz                apply changes; all files named make one transaction

Files are PBF, OSM XML, osmChange, o5m or OPL, plain or compressed with gzip, bzip2, xz or zstd; what a file is, is told
from its content. Without a file, or with -, standard input is read.

  --db-dir=DIR        the database directory. Without it: the one of the running dispatcher
  --data-only         keep no metadata; the default of a new database
  --meta              also keep version, timestamp, changeset and user of every element
  --keep-attic        as --meta, and keep all superseded versions from now on, or those of a full history (*.osh)
  --version=TEXT      the timestamp of the data, like 2024-03-20T12:00:00Z. Default: the one the file states
  --replicate-id=N    the number of the last diff that the data contains
  --areas=auto|none   auto, the default of a new database: relations become areas as they come, and areas follow each
                      update; none: leave areas alone from now on, osm3s_query --rules may make them. Without the
                      option: as before. Areas that rules have made stay as they are until auto is given
  --flush-size=N, --compression-method=no|gz|lz4, --map-compression-method=no|gz|lz4
                      accepted for the sake of scripts; memory is bounded and blocks are packed without them

A filled database takes each element as its new version and removes those inside <delete>; ways and relations follow
their moved nodes. Either everything becomes visible at once, or nothing is changed. Queries go on meanwhile.

Exit status: 0 done, 1 wrong usage, 2 the database cannot be read or written, or no dispatcher runs and there is no
--db-dir, 3 the dispatcher of DIR does not answer, 15 interrupted, 255 the input is malformed or cannot be read. After
any of them but 0, the database is as it was.
"""


def update(options: UpdateOptions) -> None:
    from osm3s.cli.update_map import update_map  # now, so that --help is quick

    update_map(options, options.files or ["-"])


def main(arguments: list[str] | None = None) -> int:
    def work() -> None:
        options = parse(sys.argv[1:] if arguments is None else arguments, VALUE_FLAGS, files_allowed=True)
        if options.help:
            sys.stdout.write(HELP)
        else:
            update(options)

    return run("update_database", USAGE, work)


if __name__ == "__main__":
    leave(main())
