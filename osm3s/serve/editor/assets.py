"""The parts of the editor's page that come from npm: pinned, fetched and checked by the build, kept beside the page.

    python -m osm3s.serve.editor.assets

Without npm, or without a way to its registry, the page draws its map by itself (map.mjs).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from base64 import b64encode
from pathlib import Path

PACKAGE = "leaflet@1.9.4"
INTEGRITY = "sha512-nxS1ynzJOmOlHp+iL3FyWqK89GtNL8U8rvlMOsQdTTssxZwCXh8N2NB3GDQOL+YR3XnWyZAxwQixURb+FA74PA=="
"""Of the package's archive, as npm writes it into lock files."""
FILES = {"leaflet.js": "package/dist/leaflet.js", "leaflet.css": "package/dist/leaflet.css"}
"""Name here to name in the archive."""
WAIT_S = 120
OPTIONS = ("--silent", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=20000")


class Unavailable(Exception):
    """The assets cannot be had; the text says why."""


def fetch(directory: Path) -> None:
    """Put the files into the directory. Raises Unavailable, having changed nothing."""
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not installed")
    with tempfile.TemporaryDirectory(prefix="osm3s-") as name:
        try:
            subprocess.run(
                [npm, "pack", PACKAGE, "--pack-destination", name, *OPTIONS],
                check=True, capture_output=True, timeout=WAIT_S, cwd=name,
            )  # fmt: skip
            (archive,) = Path(name).glob("*.tgz")
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise Unavailable(f"npm cannot fetch {PACKAGE}") from error
        content = archive.read_bytes()
        if f"sha512-{b64encode(hashlib.sha512(content).digest()).decode()}" != INTEGRITY:
            raise Unavailable(f"what npm has fetched is not {PACKAGE}: its checksum differs")
        with tarfile.open(archive) as members:
            for file, member in FILES.items():
                source = members.extractfile(member)
                assert source is not None  # the checksum says so
                (directory / file).write_bytes(source.read())


def main() -> int:
    """Succeeds in any case: the page works without."""
    try:
        fetch(Path(__file__).parent)
    except Unavailable as why:
        print(f"The query editor uses its own map instead of Leaflet: {why}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
