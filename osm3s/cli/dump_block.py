"""`dump_block`: prints what is in one block."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from osm3s.cli.inspection import Program
from osm3s.errors import UsageError
from osm3s.paths import AREAS, DatabaseDir

if TYPE_CHECKING:
    from osm3s.storage.snapshot import Snapshot

USAGE = "Usage: dump_block --db-dir=DIR (--family=FAMILY --block=ID | --of=TYPE/ID)   (--help explains)"

HELP = """\
dump_block: print what is in one block of a database.

  dump_block --db-dir=DIR --family=ways --block=12     the block with number 12 of the ways, with all its elements
  dump_block --db-dir=DIR --of=way/4711                the block that holds way 4711, with this element only
  dump_block --db-dir=DIR --of=node/17 --all           the block that holds node 17, with all its elements
  dump_block --db-dir=DIR --of=area/3600000023         the block that holds this area

Elements lie in blocks of some thousand, near ones together. There are four families of blocks, each in a file of its
own: nodes (those without tags), tagged_nodes, ways, relations. Nodes and tagged_nodes share one row of numbers. A fifth
one is apart: areas are stored as ways whose nodes have no ids; `0@?` stands between two lines of an outline.

Printed are, line by line: the entry of the block directory (order key, place in the file, checksums, box) · of the base
and, if there is one, of the delta: the columns of the head (entries, bytes per entry, smallest value), the dictionary
of tags with the number of elements that have each · the live elements: `id@lat,lon` is a node of a way, `id@?` one that
is not in the database. native/FORMAT.md explains what the words mean.

  --db-dir=DIR   the database directory. Default: $OVERPASS_DB_DIR

Exit status: 0 done, 1 wrong usage, 2 there is no such block, or it cannot be read.
"""


def _print_part(snapshot: Snapshot, block: int, delta: bool) -> None:
    from osm3s.storage.block_contents import read_pairs, read_part

    part = read_part(snapshot, block, delta)
    print(
        f"{'delta' if delta else 'base'}: {part.n} elements, {part.n_dead} of them dead; "
        f"dictionary of {part.n_keys} keys, {part.n_pairs} tags, {part.n_roles} roles"
    )
    for column in part.columns:
        print(f"  column {column.name}: {column.n} entries of {column.width} bytes from {column.base} on")
    for key, value, n in read_pairs(snapshot, block, delta):
        print(f"  tag {key!r}={value!r}: {n} elements")


def dump_block(db_dir: str, family: str | None, block_id: int | None, element: str | None, all_elements: bool) -> None:
    """Raises UsageError, StorageError."""
    from osm3s.cli.element_text import box_text, element_text, time_text
    from osm3s.storage.block_contents import (
        FAMILY_NAMES,
        TYPE_NAMES,
        attic_parts,
        block_of_element,
        directory_entry,
        family_of_block,
        find_block,
        read_elements,
    )
    from osm3s.storage.snapshot import Snapshot

    if family is not None and family not in (*FAMILY_NAMES, "areas"):
        raise UsageError(f"--family={family}: must be one of {', '.join(FAMILY_NAMES)}, areas")
    kind, _, number = (element or "").partition("/")
    if element and (kind not in (*TYPE_NAMES, "area") or not number.isdecimal()):
        raise UsageError(f"--of={element}: must be like node/17, way/4711, relation/1 or area/3600000023")
    db = DatabaseDir(db_dir)
    if "area" in (kind, (family or "").removesuffix("s")):
        db, kind, family = db.areas, "way", "ways" if family else None
    with Snapshot(db) as snapshot:
        if element:
            block = block_of_element(snapshot, TYPE_NAMES.index(kind), int(number))
        elif family is not None and block_id is not None:
            block = find_block(snapshot, FAMILY_NAMES.index(family), block_id)
        else:
            raise UsageError("which block? --family=FAMILY and --block=ID, or --of=TYPE/ID")
        entry = directory_entry(snapshot, block)
        name = "areas" if db.domain == AREAS else FAMILY_NAMES[family_of_block(snapshot, block)]
        print(f"block {entry.id} of {name}, order key {entry.order_key:#018x}")
        print(f"box {box_text(entry[-4:] if entry.south <= entry.north else None)}, newest {time_text(entry.newest)}")
        print(
            f"base at {entry.base_offset}: head {entry.head_len} bytes (sum {entry.head_sum:016x}), "
            f"body {entry.body_len} ({entry.body_sum:016x}), meta {entry.meta_len} ({entry.meta_sum:016x})"
        )
        if entry.delta_bytes:
            print(
                f"delta at {entry.delta_offset}: {entry.n_dead} dead, head {entry.delta_head_len} bytes, body "
                f"{entry.delta_body_len} (sum {entry.delta_sum:016x}), meta {entry.delta_meta_len} "
                f"({entry.delta_meta_sum:016x})"
            )
        for part in attic_parts(snapshot, block):
            print(
                f"attic at {part.offset}: {part.len} bytes (sum {part.sum:016x}), {part.n} superseded versions, "
                f"from {time_text(part.oldest)} to {time_text(part.newest)}"
            )
        _print_part(snapshot, block, False)
        if entry.delta_bytes:
            _print_part(snapshot, block, True)
        for placed in read_elements(snapshot, block):
            if all_elements or not element or f"{placed.element.type}/{placed.element.id}" == f"{kind}/{int(number)}":
                print(element_text(placed))


def inspect(db_dir: str, arguments: list[str]) -> int:
    family = element = block = None
    all_elements = False
    for argument in arguments:
        flag, _, value = argument.partition("=")
        if flag == "--family" and value:
            family = value
        elif flag == "--block" and value.isdecimal():
            block = int(value)
        elif flag == "--of" and value:
            element = value
        elif argument == "--all":
            all_elements = True
        else:
            raise UsageError(f"Unknown argument: {argument}")
    dump_block(db_dir, family, block, element, all_elements)
    return 0


def main(arguments: list[str] | None = None) -> int:
    return Program("dump_block", USAGE, HELP).run(arguments, inspect)


if __name__ == "__main__":
    sys.exit(main())
