"""Those that are asked: the project in this process or through its program, and an installed reference."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from osm3s.errors import QueryRejected
from osm3s.eval import query_plan
from osm3s.ql.request import Request, from_console
from osm3s.serve import frontend
from osm3s.serve.admission import direct
from osm3s.serve.console import ConsoleDoor
from osm3s.serve.engine import NATIVE
from osm3s.serve.messages import Messages, Verbosity
from osm3s.serve.request import Database
from osm3s.update.update_files import update_files

from .dataset import DataSet

PROJECT = Path(__file__).resolve().parent.parent.parent
TIMESTAMP = "2021-01-01T00:00:00Z"
TIMEOUT_S = 2
_LEVEL_FLAGS = {"data": [], "meta": ["--meta"], "attic": ["--keep-attic"]}
_FAILURES = ("killed by signal", "no answer after", "runtime error: Query run out of memory", "runtime error: open64")
_TOO_WEAK = "runtime error: Filters too weak in query statement"  # a deviation: what is answered is no error
_GENERATOR = re.compile(rb'("generator": |generator=)"[^"]*"')
_AREAS = re.compile(rb' areas="[^"]*"|    "timestamp_areas_base": "[^"]*",\n')


@dataclass(frozen=True, slots=True)
class Answer:
    """What is printed, and the messages that are errors. What differs by nature is left out."""

    output: bytes
    errors: tuple[str, ...] = ()

    @staticmethod
    def of(output: bytes, messages: bytes) -> Answer:
        lines = messages.decode("utf-8", "surrogateescape").split("\n")
        output = _AREAS.sub(b"", _GENERATOR.sub(rb'\1""', output))
        return Answer(output, tuple(line for line in lines if "error:" in line and not line.startswith(_TOO_WEAK)))

    @property
    def found(self) -> bool:
        """Something that is not only the frame."""
        return b'id="' in self.output or b'"id":' in self.output or self.output.count(b"\n") == 1

    @property
    def failed(self) -> bool:
        """Crashed, or out of time or memory: not an answer to be measured by."""
        return any(line.startswith(_FAILURES) for line in self.errors)

    def text(self) -> str:
        return "\n".join([*self.errors, self.output.decode("utf-8", "replace")])


class InProcess:
    """The project, without a process for each query."""

    name = "the project"

    def __init__(self, work: Path) -> None:
        self.root = work / "ours"
        self.file = work / "data.osm"

    def load(self, data: DataSet) -> None:
        self.file.write_text(data.xml(), encoding="utf-8")
        update_files(str(self.root), [str(self.file)], data.level, TIMESTAMP, None)

    def ask(self, query: str) -> Answer:
        output, errors = os.memfd_create("output"), os.memfd_create("errors")
        try:
            door = _Door(output, Messages(errors, Verbosity.CONCISE))
            try:
                asked = frontend.Query(Request(from_console(query)))
            except QueryRejected as rejected:
                door.rejected(query, rejected.messages)
            else:
                frontend.answer(asked, direct(Database(str(self.root))), door, NATIVE)
            return Answer.of(_content(output), _content(errors))
        finally:
            os.close(output)
            os.close(errors)


class _Door(ConsoleDoor):
    def limit(self, timeout_s: int, maxsize_bytes: int) -> None:
        """The limits of a process are not for one that goes on."""


def _content(descriptor: int) -> bytes:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    return os.pread(descriptor, size, 0)


class Program:
    """The project's own program, a process for each query."""

    name = "the project's program"

    def __init__(self, work: Path) -> None:
        self._database = InProcess(work)

    def load(self, data: DataSet) -> None:
        self._database.load(data)

    def ask(self, query: str) -> Answer:
        return _ask([str(PROJECT / "bin" / "osm3s_query"), f"--db-dir={self._database.root}", "--concise"], query)


class Reference:
    """An installed OSM3S below `prefix`."""

    name = "the reference"

    def __init__(self, prefix: Path, work: Path) -> None:
        self.programs = prefix / "bin"
        self.root = work / "reference"

    def load(self, data: DataSet) -> None:
        self.root.mkdir()
        command = [str(self.programs / "update_database"), f"--db-dir={self.root}", f"--version={TIMESTAMP}"]
        subprocess.run(
            [*command, *_LEVEL_FLAGS[data.level]], input=data.xml().encode(), capture_output=True, check=True
        )

    def ask(self, query: str) -> Answer:
        return _ask([str(self.programs / "osm3s_query"), f"--db-dir={self.root}", "--concise"], query)


def _ask(command: list[str], query: str) -> Answer:
    try:
        done = subprocess.run(command, input=query.encode(), capture_output=True, check=False, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return Answer(b"", (f"no answer after {TIMEOUT_S} s",))
    if done.returncode < 0:
        return Answer(done.stdout, (f"killed by signal {-done.returncode}",))
    return Answer.of(done.stdout, done.stderr)


def by_tag_directory(always: bool) -> None:
    """Whether the tag directory is asked even where few blocks are left, as on small data they always are."""
    query_plan.FEW_BLOCKS = 0 if always else 48
