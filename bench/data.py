"""The data of each size: made once, kept as a PBF file in the work directory.

small     a made-up town, from this directory alone
standard  102 copies of 17 real extracts: 25 M nodes, 3.6 M ways, 64 k relations
large     408 copies: 100 M nodes
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.town import write_town

PROJECT = Path(__file__).resolve().parent.parent
COPIES = {"standard": 102, "large": 408}
SIZES = ("small", *COPIES)


class DataMissing(Exception):
    """The extracts or the program that tiles them are not beside the project."""


def shared_directory() -> Path:
    """The folder with the extracts: $OSM3S_SHARED, else `shared` beside the project."""
    return Path(os.environ.get("OSM3S_SHARED", PROJECT.parent / "shared"))


def make_data(size: str, directory: Path) -> Path:
    """Return the PBF file of a size, made now if it is not in `directory`. Raises DataMissing."""
    path = directory / f"{size}.osm.pbf"
    if path.exists():
        return path
    directory.mkdir(parents=True, exist_ok=True)
    unfinished = directory / f"unfinished-{size}.osm.pbf"
    if size == "small":
        write_town(unfinished)
    else:
        _tile(unfinished, COPIES[size])
    unfinished.rename(path)
    return path


def _tile(path: Path, copies: int) -> None:
    shared = shared_directory()
    program = shared / "tools" / "tile_pbf.py"
    parts = sorted((shared / "data" / "parts").glob("*.osm.pbf"))
    if not program.exists() or not parts:
        raise DataMissing(f"needs tools/tile_pbf.py and data/parts/*.osm.pbf in {shared} (or $OSM3S_SHARED)")
    subprocess.run([sys.executable, str(program), str(path), str(copies), *map(str, parts)], check=True)
