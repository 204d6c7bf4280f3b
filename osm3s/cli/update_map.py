"""An update of the map and, right after it, of the areas that follow it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import lmdb

from osm3s.areas import generator
from osm3s.cli.run_update import Interrupted
from osm3s.cli.update_options import UpdateOptions
from osm3s.errors import CorruptError, Osm3sError
from osm3s.update.update_files import update_files

NOT_UPDATED = "The map is updated, its areas are not"


def update_map(options: UpdateOptions, paths: Sequence[str]) -> None:
    """Raises what `update_files` raises: nothing was changed then. Once the map is updated, trouble with the areas is
    no failure of the update: they stay as they were, and the next update makes up for it."""
    merged: list[bool] = []
    try:
        root = update_files(
            options.db_dir,
            paths,
            options.level,
            options.version,
            options.replicate_id,
            options.areas,
            lambda: merged.append(True),
        )
        follow_map(root, take_over=options.areas == "auto")
    except Interrupted:
        if not merged:
            raise
        print(f"{NOT_UPDATED}: interrupted. The next update does it.", file=sys.stderr)


def follow_map(root: str, take_over: bool = False) -> None:
    """Bring the areas up to the map; trouble is told, and left to the next update."""
    try:
        generator.follow(root, take_over=take_over)
    except CorruptError as error:
        print(f"{NOT_UPDATED}: {error}", file=sys.stderr, flush=True)
    except (Osm3sError, OSError, lmdb.Error) as error:
        print(f"{NOT_UPDATED}: {error}. The next update does it.", file=sys.stderr, flush=True)
