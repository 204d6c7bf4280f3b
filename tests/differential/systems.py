"""Those that are asked: the project in this process or through its program, and an installed reference."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from osm3s.areas.rules import RulesEngine
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

PROJECT = Path(__file__).resolve().parent.parent.parent
TIMESTAMP = "2021-01-01T00:00:00Z"
TIMEOUT_S = 1
AREA_RULES = """<osm-script>
  <query type="relation" into="pivots"><has-kv k="type" v="multipolygon"/></query>
  <foreach from="pivots" into="pivot">
    <union into="outline">
      <recurse type="relation-way" from="pivot" into="ways"/>
      <recurse type="way-node" from="ways"/>
    </union>
    <make-area from="outline" pivot="pivot" return-area="no"/>
  </foreach>
  <query type="way" into="pivots"><has-kv k="a" v="a"/></query>
  <foreach from="pivots" into="pivot">
    <union into="outline"><item set="pivot"/><recurse type="way-node" from="pivot"/></union>
    <make-area from="outline" pivot="pivot" return-area="no"/>
  </foreach>
</osm-script>"""
_LEVEL_FLAGS = {"data": [], "meta": ["--meta"], "attic": ["--keep-attic"]}
_LATE = "no answer after"
_FAILURES = ("killed by signal", _LATE, "runtime error: Query run out of memory", "runtime error: open64")
_TOO_WEAK = "runtime error: Filters too weak in query statement"
_GENERATOR = re.compile(rb'("generator": |generator=)"[^"]*"')
_NEGATIVE_ZERO = re.compile(rb"-(0\.0000000)\b")
_NO_PLACE = re.compile(rb'(?:l(?:at|on)"?[=:] ?"?| v=")(?:100|200|-91|-2[01][0-9])\.[0-9]{7}')
_PLACES = re.compile(
    rb'\n? *<(?:bounds|center)(?: [^>]*)?/>|,?\s*"(?:bounds|center)": \{[^}]*\}'
    rb'| l(?:at|on)="-?\d+\.\d{7}"|"l(?:at|on)": -?\d+\.\d{7}|-?\d+\.\d{7}'
)
_NOT_KEPT = re.compile(
    r"runtime error: (open64: 2 .*/(\w+_meta|user_\w+|\w+_changelog|\w+_attic\w*)\..*|Tried to use m(eta|useum) file.*)"
)
_END = re.compile(rb"\s*(</osm>|\]\n\})?\s*\Z")
_EMPTY = re.compile(rb"<(\w+)([^>]*[^>/])?>\s*</\1>")
_SPACE, _BRACKETS = re.compile(rb"[\s,]+"), re.compile(rb"[\s\[\]]+")
_NEW_IN_RESULT = re.compile(
    rb'<action type="modify">\n<old>\n  <(?:node|way|relation)(?: [^>]*)?/>\n</old>\n<new>\n(.*?)</new>\n</action>',
    re.S,
)
_SOMETHING = re.compile(rb'id="|"id":|<tag |<action |\A[^<{\n]*\n.')
_TAG = re.compile(rb' *<tag k=|    "(?:[^"\\]|\\.)*": "|[^<]*: .*<br/>\Z')
_ID = re.compile(rb' id="\d+"|  "id": \d+')
_REPEATED = re.compile(
    rb"(  <(node|way|relation) [^>]*(?:/>\n|(?<!/)>\n(?:    .*\n)*  </\2>\n))\1+"
    rb'|(\{\n  "type": (?:.*\n)*?\}),\n\3(?=,?\n)'
)
_ELEMENT = re.compile(
    rb'  <(node|way|relation) id="(\d+)"[^>]*(?:/>|(?<!/)>\n(?:    .*\n)*  </\1>)\n'
    rb'|\{\n  "type": "(node|way|relation)",\n  "id": (\d+)(?:.*\n)*?\}(?=,?\n)'
)
_ACTION = re.compile(rb'<action type="(\w+)">\n(?:<old>\n)?  <(node|way|relation) id="(\d+)".*?</action>\n', re.S)
_REPEATED_ACTION = re.compile(rb"(<action (?:(?!</action>).)*</action>\n)\1+", re.S)
_AREAS = re.compile(rb' areas="[^"]*"|    "timestamp_areas_base": "[^"]*",\n')


class Change(Protocol):
    """An osmChange file, and what the data is as of when it has been read."""

    @property
    def timestamp(self) -> str: ...

    def xml(self) -> str: ...


class Data(Protocol):
    """What a system is to load: an OSM file and changes, at a level of detail; areas are made of it or not."""

    @property
    def level(self) -> str: ...

    @property
    def areas(self) -> bool: ...

    @property
    def changes(self) -> Sequence[Change]: ...

    def xml(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What is printed, and the messages that are errors. What differs by nature is left out."""

    output: bytes
    errors: tuple[str, ...] = ()

    @staticmethod
    def of(output: bytes, messages: bytes) -> Answer:
        lines = messages.decode("utf-8", "surrogateescape").split("\n")
        output = _AREAS.sub(b"", _GENERATOR.sub(rb'\1""', output))
        return Answer(output, tuple(line for line in lines if "error:" in line))

    def but_trifles(self) -> Answer:
        """Without deviations that are about no element: the sign of zeros, the end of a document after an error, how
        it is told that there is no metadata or history, and what is found with weak filters is no error."""
        errors = tuple(
            _NOT_KEPT.sub("runtime error: not kept", line) for line in self.errors if not line.startswith(_TOO_WEAK)
        )
        output = _NEGATIVE_ZERO.sub(rb"\1", self.output)
        return Answer(_END.sub(b"", output) if errors else output, errors)

    def in_order(self) -> Answer:
        """The same with what history has in any order in one order: neighbouring tags are sorted."""
        lines: list[bytes] = []
        tags: list[bytes] = []
        for line in self.output.split(b"\n"):
            if _TAG.match(line):
                tags.append(line.rstrip(b","))
                continue
            lines += [*sorted(tags), line]
            tags = []
        return Answer(b"\n".join([*lines, *tags]), self.errors)

    def without_order(self) -> list[bytes]:
        """The lines in one order, without ids."""
        return sorted(_ID.sub(b"", line.rstrip(b",")) for line in self.output.split(b"\n"))

    def differs_in_corners(self, other: Answer) -> bool:
        """Whether all that one of the two has more, but for the order of lines, is a corner of a ring."""
        ours, theirs = Counter(self.without_order()), Counter(other.without_order())
        more = (ours - theirs) + (theirs - ours)
        return more.total() == 1 and all(b"<vertex " in line for line in more)

    def without_places(self) -> tuple[bytes, tuple[str, ...]]:
        """All that is told but boxes, centres and what is written like coordinates."""
        return _SPACE.sub(b" ", _EMPTY.sub(rb"<\1\2/>", _PLACES.sub(b"", self.output))), self.errors

    def without_brackets(self) -> tuple[bytes, tuple[str, ...]]:
        """The same without what makes lists of lists."""
        return _BRACKETS.sub(b"", self.output), self.errors

    def without_repetitions(self) -> Answer:
        """The same with elements that are printed twice, one after the other, once; in a difference, with those only
        deleted of which nothing else is told."""
        output = _REPEATED.sub(lambda match: match[1] or match[3], _REPEATED_ACTION.sub(rb"\1", self.output))
        told = Counter(match.group(2, 3) for match in _ACTION.finditer(output))
        return Answer(_ACTION.sub(lambda match: _action_but(match, told), output), self.errors)

    def tells_as(self, other: Answer) -> bool:
        """Whether no element that both have is told in different words."""
        ours, theirs = self._elements(), other._elements()
        return all(ours[key] <= theirs[key] or theirs[key] <= ours[key] for key in ours.keys() & theirs.keys())

    def _elements(self) -> dict[tuple[bytes, bytes], set[bytes]]:
        """By type and id, all that is printed about an element, but that it was there before a result had it."""
        elements: dict[tuple[bytes, bytes], set[bytes]] = {}
        for match in _ELEMENT.finditer(_NEW_IN_RESULT.sub(rb"\1", self.output)):
            elements.setdefault((match[1] or match[3], match[2] or match[4]), set()).add(match[0])
        return elements

    @property
    def found(self) -> bool:
        """Something that is not only the frame."""
        return bool(_SOMETHING.search(self.output)) or self.output.count(b"\n") == 1

    @property
    def has_impossible_place(self) -> bool:
        """A deviation: the reference computes with positions it does not know."""
        return bool(_NO_PLACE.search(self.output))

    @property
    def failed(self) -> bool:
        """Crashed, or out of time or memory: not an answer to be measured by."""
        return any(line.startswith(_FAILURES) for line in self.errors)

    @property
    def late(self) -> bool:
        """Out of time."""
        return any(line.startswith(_LATE) for line in self.errors)

    def text(self) -> str:
        return "\n".join([*self.errors, self.output.decode("utf-8", "replace")])


def _action_but(action: re.Match[bytes], told: Counter[tuple[bytes | Any, ...]]) -> bytes:
    """The action, but nothing if it deletes what other actions are about."""
    return b"" if action[1] == b"delete" and told[action.group(2, 3)] > 1 else action[0]


class InProcess:
    """The project, without a process for each query."""

    name = "the project"

    def __init__(self, work: Path) -> None:
        self.root = work / "ours"
        self.file = work / "data.osm"

    def load(self, data: Data) -> None:
        for text, timestamp in _files(data):
            self.file.write_text(text, encoding="utf-8")
            update_files(str(self.root), [str(self.file)], data.level, timestamp, None, areas="none")
        if data.areas:
            self._ask(AREA_RULES, RulesEngine(lambda remark: None), rules=True)

    def ask(self, query: str) -> Answer:
        return self._ask(query, NATIVE)

    def _ask(self, query: str, engine: frontend.Engine, rules: bool = False) -> Answer:
        output, errors = os.memfd_create("output"), os.memfd_create("errors")
        try:
            door = _Door(output, Messages(errors, Verbosity.CONCISE))
            try:
                asked = frontend.Query(Request(from_console(query)), rules=rules)
            except QueryRejected as rejected:
                door.rejected(query, rejected.messages)
            else:
                frontend.answer(asked, direct(Database(str(self.root))), door, engine)
            return Answer.of(_content(output), _content(errors))
        finally:
            os.close(output)
            os.close(errors)


class _Door(ConsoleDoor):
    def limit(self, timeout_s: int, maxsize_bytes: int) -> None:
        """The limits of a process are not for one that goes on."""


def _files(data: Data) -> Iterator[tuple[str, str]]:
    """Texts, and what the data is as of when it has been read."""
    yield data.xml(), TIMESTAMP
    for change in data.changes:
        yield change.xml(), change.timestamp


def _content(descriptor: int) -> bytes:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    return os.pread(descriptor, size, 0)


class Program:
    """The project's own program, a process for each query."""

    name = "the project's program"

    def __init__(self, work: Path) -> None:
        self._database = InProcess(work)

    def load(self, data: Data) -> None:
        self._database.load(data)

    def ask(self, query: str) -> Answer:
        return _ask([str(PROJECT / "bin" / "osm3s_query"), f"--db-dir={self._database.root}", "--concise"], query)


class Reference:
    """An installed OSM3S below `prefix`."""

    name = "the reference"

    def __init__(self, prefix: Path, work: Path, timeout_s: float = TIMEOUT_S) -> None:
        self.programs = prefix / "bin"
        self.timeout_s = timeout_s
        self.root = work / "reference"

    def load(self, data: Data) -> None:
        self.root.mkdir()
        for text, timestamp in _files(data):
            command = [str(self.programs / "update_database"), f"--db-dir={self.root}", f"--version={timestamp}"]
            subprocess.run([*command, *_LEVEL_FLAGS[data.level]], input=text.encode(), capture_output=True, check=True)
        if data.areas:
            rules = [str(self.programs / "osm3s_query"), f"--db-dir={self.root}", "--rules", "--concise"]
            subprocess.run(rules, input=AREA_RULES.encode(), capture_output=True, check=True)

    def ask(self, query: str) -> Answer:
        return _ask([str(self.programs / "osm3s_query"), f"--db-dir={self.root}", "--concise"], query, self.timeout_s)


def _ask(command: list[str], query: str, timeout_s: float = TIMEOUT_S) -> Answer:
    try:
        done = subprocess.run(command, input=query.encode(), capture_output=True, check=False, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return Answer(b"", (f"{_LATE} {timeout_s:g} s",))
    if done.returncode < 0:
        return Answer(done.stdout, (f"killed by signal {-done.returncode}",))
    return Answer.of(done.stdout, done.stderr)


def by_tag_directory(always: bool) -> None:
    """Whether the tag directory is asked even where few blocks are left, as on small data they always are."""
    query_plan.FEW_BLOCKS = 0 if always else 48
