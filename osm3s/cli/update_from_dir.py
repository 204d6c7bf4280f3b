"""`update_from_dir`: applies all diffs of a directory in one transaction."""

from __future__ import annotations

import os
import sys

from osm3s.cli.run_update import leave, run
from osm3s.cli.update_options import UpdateOptions, parse
from osm3s.errors import InputError, UsageError

VALUE_FLAGS = frozenset(("--osc-dir", "--db-dir", "--version", "--replicate-id", "--flush-size", "--areas"))
IGNORED_ENDINGS = (".state.txt", ".tmp", ".part")

USAGE = "Usage: update_from_dir --osc-dir=DIR [--db-dir=DIR] [--version=TEXT]   (--help explains)"

HELP = """\
update_from_dir: apply all diffs of a directory to a database, in the order of their names, as one transaction.

  update_from_dir --osc-dir=DIR --db-dir=DIR --version=2024-03-20T12:00:00Z

  --osc-dir=DIR       the directory with osmChange files, plain or compressed with gzip, bzip2, xz or zstd;
                      *.state.txt, *.tmp, *.part and hidden files are passed over
  --db-dir=DIR        the database directory. Without it: the one of the running dispatcher
  --version=TEXT      the timestamp of the data after the last diff; backslashes, as in state files, are dropped
  --replicate-id=N    the number of the last diff
  --data-only, --meta, --keep-attic
                      must be what the database keeps; without one of them it is not checked
  --areas=auto|none   whether areas follow each update from now on; see update_database --help
  --flush-size=N      accepted for the sake of scripts

Of several versions of an element the newest counts; of equal versions, the one in the last file.
Either everything becomes visible at once, or nothing is changed. An empty directory changes the timestamp alone.

Exit status: 0 done, 2 the database cannot be read or written, or no dispatcher runs and there is no --db-dir,
3 the dispatcher of DIR does not answer, 15 interrupted, 255 wrong usage, or a diff or the directory cannot be read.
After any of them but 0, the database is as it was.
"""


def diff_files(directory: str) -> list[str]:
    """Paths of the diffs in a directory, sorted bytewise by name. Raises InputError."""
    try:
        names = sorted(os.fsencode(entry.name) for entry in os.scandir(directory) if entry.is_file())
    except OSError as error:
        raise InputError(f"{directory}: {error.strerror}") from None
    wanted = (os.fsdecode(name) for name in names if not name.startswith(b"."))
    return [os.path.join(directory, name) for name in wanted if not name.endswith(IGNORED_ENDINGS)]


def update(options: UpdateOptions) -> None:
    from osm3s.cli.update_map import update_map  # now, so that --help is quick

    if options.osc_dir is None:
        raise UsageError("--osc-dir=DIR is missing: the directory with the diffs")
    update_map(options, diff_files(options.osc_dir))


def main(arguments: list[str] | None = None) -> int:
    def work() -> None:
        options = parse(sys.argv[1:] if arguments is None else arguments, VALUE_FLAGS, files_allowed=False)
        if options.help:
            sys.stdout.write(HELP)
        else:
            update(options)

    return run("update_from_dir", USAGE, work, usage_status=InputError.exit_status)


if __name__ == "__main__":
    leave(main())
