"""Files of elements as lines of OPL, the text format of osmium: one line per element, the same for the same element."""

from __future__ import annotations

import shutil
import subprocess
from array import array
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import osmium


def lines_of(path: Path) -> set[bytes]:
    """One line per element of a file of any format that osmium reads, its tags in the order of their bytes."""
    opl = path.with_suffix(".opl")
    with osmium.SimpleWriter(str(opl), overwrite=True) as writer:
        for element in osmium.FileProcessor(str(path)):
            writer.add(element)
    return set(map(_with_sorted_tags, opl.read_bytes().splitlines()))


def _with_sorted_tags(line: bytes) -> bytes:
    at = line.find(b" T") + 2
    end = line.find(b" ", at)
    tags = line[at : end if end >= 0 else len(line)].split(b",")
    return line if len(tags) < 2 else line[:at] + b",".join(sorted(tags)) + (line[end:] if end >= 0 else b"")


def date_of(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


class FullHistory:
    """A history file; `begins` are the times of its versions in the order of the file, in seconds since 1970."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begins = array("q", (int(o.timestamp.timestamp()) for o in osmium.FileProcessor(str(path))))

    def at(self, seconds: int, work: Path) -> set[bytes]:
        """What was there at a time: `osmium time-filter` if it is installed, else what it would say."""
        target = work / "filtered.osm.pbf"
        if shutil.which("osmium"):
            command = ["osmium", "time-filter", "--overwrite", f"--output={target}", str(self.path), date_of(seconds)]
            subprocess.run(command, check=True, capture_output=True)
        else:
            self._filter(seconds, target)
        return lines_of(target)

    def _filter(self, seconds: int, target: Path) -> None:
        """A version is valid from its time on, before that of the next one in the file."""
        last: tuple[str, int] | None = None
        ends = array("q", [0]) * len(self.begins)
        for i, o in enumerate(osmium.FileProcessor(str(self.path))):
            this = o.type_str(), o.id
            if i:
                ends[i - 1] = self.begins[i] if this == last else 1 << 40
            last = this
        ends[-1] = 1 << 40
        with osmium.SimpleWriter(str(target), overwrite=True) as writer:
            for i, o in enumerate(osmium.FileProcessor(str(self.path))):
                if self.begins[i] <= seconds < ends[i] and o.visible:
                    writer.add(o)

    def changes(self, n: int, directory: Path) -> list[Path]:
        """The history as n osmChange files, each with all that happened in its time, the oldest first."""
        ordered = sorted(self.begins)
        ends = sorted({ordered[len(ordered) * i // n] for i in range(1, n)} | {1 << 40})
        paths = [directory / f"{number:05}.osc" for number in range(len(ends))]
        for number, path in enumerate(paths):
            since = ends[number - 1] if number else -1
            _write_change(self._between(since, ends[number]), path)
        return paths

    def _between(self, since: int, until: int) -> Iterable[osmium.osm.OSMEntity]:
        for i, o in enumerate(osmium.FileProcessor(str(self.path))):
            if since <= self.begins[i] < until:
                yield o


def _write_change(elements: Iterable[osmium.osm.OSMEntity], path: Path) -> None:
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for element in elements:
            writer.add(element)
