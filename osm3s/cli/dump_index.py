"""`dump_index`: prints what is in the index of a database."""

from __future__ import annotations

import sys

from osm3s.cli.inspection import Program
from osm3s.errors import UsageError
from osm3s.paths import DatabaseDir

USAGE = "Usage: dump_index --db-dir=DIR [--key=PREFIX] [KIND…]   (--help explains)"

HELP = """\
dump_index: print what is in the index of a database.

  dump_index --db-dir=DIR settings              commits, data timestamp, numbers of elements, free space in the files
  dump_index --db-dir=DIR directory             all blocks: numbers, places, boxes
  dump_index --db-dir=DIR attic                 where the superseded versions of blocks are
  dump_index --db-dir=DIR ids                   which block holds which id; neighbours in one block are one line
  dump_index --db-dir=DIR links                 member: its relations; absent node: the ways that name it
  dump_index --db-dir=DIR tags                  key, and key=value: block:count of every block that has it
  dump_index --db-dir=DIR users                 uid and name
  dump_index --db-dir=DIR changelog             what every commit has changed, with old and new boxes
  dump_index --db-dir=DIR times                 when the versions began that each commit has added to a history
  dump_index --db-dir=DIR --key=T02             the entries whose key begins so

A key begins with a letter (A attic, B directory, I ids, L links, T tags, U users, S settings, C changelog, V times of
versions). Of A, B, I, L and T a byte follows: the family (00 nodes, 01 tagged nodes, 02 ways, 03 relations; 05 to 07:
their attics), the type (00 node, 01 way, 02 relation), or the kind of link (00, 01, 02 as types; 03 absent nodes; 04 to
06: other blocks with superseded versions; 07 to 09: former relations). --key takes the letter and then hexadecimal
digits: T02 are the tags of ways, I00 the ids of nodes. native/FORMAT.md tells the rest.
Without KIND and --key, everything is printed.

  --areas        the index of the areas, which are ways there
  --db-dir=DIR   the database directory. Default: $OVERPASS_DB_DIR

Exit status: 0 done, 1 wrong usage, 2 the database cannot be read.
"""


def dump_index(db: DatabaseDir, kinds: list[str], prefix: bytes) -> None:
    """Raises UsageError, StorageError."""
    from osm3s.storage.index_contents import KINDS, index_lines
    from osm3s.storage.snapshot import Snapshot

    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(f"Unknown kind of entry: {kind}; there are {', '.join(KINDS)}")
    if prefix:
        kinds = [kind for kind, (letter, _) in KINDS.items() if letter == prefix[:1] and kind in (kinds or KINDS)]
        if not kinds:
            raise UsageError("--key does not fit: keys begin with one of A B I L T U S C")
    with Snapshot(db) as snapshot:
        for kind in kinds or KINDS:
            for line in index_lines(snapshot, kind, prefix):
                print(line)


def parse_prefix(text: str) -> bytes:
    """A letter, then hexadecimal digits; of settings, the name. Raises UsageError."""
    if text[:1] == "S":
        return text.encode()
    try:
        return text[:1].encode("ascii") + bytes.fromhex(text[1:])
    except (ValueError, UnicodeEncodeError):
        raise UsageError(f"--key={text}: must be a letter and pairs of hexadecimal digits, like T02") from None


def inspect(db_dir: str, arguments: list[str]) -> int:
    prefix, of_areas = b"", False
    kinds: list[str] = []
    for argument in arguments:
        flag, _, value = argument.partition("=")
        if flag == "--key" and value:
            prefix = parse_prefix(value)
        elif argument == "--areas":
            of_areas = True
        elif argument.startswith("-"):
            raise UsageError(f"Unknown argument: {argument}")
        else:
            kinds.append(argument)
    db = DatabaseDir(db_dir)
    dump_index(db.areas if of_areas else db, kinds, prefix)
    return 0


def main(arguments: list[str] | None = None) -> int:
    return Program("dump_index", USAGE, HELP).run(arguments, inspect)


if __name__ == "__main__":
    sys.exit(main())
