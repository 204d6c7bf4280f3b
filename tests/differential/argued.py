"""`python -m tests.differential.argued [WORDS OF A TITLE]`: the examples of docs/deviations.md, as both systems answer.

An entry there begins with `### ` and its title. What lies in the database comes first, queries with the two answers
follow:

    Data:                        or "Data with metadata:", "Data with history:", each also "… and areas:"
    ```osm
    <node id="1" lat="51" lon="7"/>
    ```
    Change of 2021-03-01T00:00:00Z:
    ```osm
    <modify><node id="1" version="2" lat="51" lon="8"/></modify>
    ```
    Query:
    ```overpassql
    node(1);out;
    ```
    The reference:               or "The reference, now and then:", which is not compared
    ```xml
    ```
    osm3s:
    ```xml
    ```

Answers stand without their frame, behind the errors that were told. Prints them for those entries in whose title all
words are, so that a new entry is written by copying; $REFERENCE is the prefix of an installed OSM3S.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from .systems import Answer, InProcess, Reference

DEVIATIONS = Path(__file__).resolve().parent.parent.parent / "docs" / "deviations.md"
LEVELS = {"history": "attic", "metadata": "meta"}
"""What a level is called in an entry; "data" has no name there."""
TIMEOUT_S = 5
"""For an answer of the reference."""
_BLOCK = re.compile(r"^(Data|Change|Query|The reference|osm3s)\b([^\n]*):\n+```\w*\n(.*?)^```$", re.M | re.S)
_XML_FRAME = re.compile(r"\A<\?xml .*?<meta [^\n]*\n\n|\n*</osm>\n*\Z", re.S)
_PAGE_FRAME = re.compile(r"\A<\?xml .*?<body>\n|</body>\n</html>\n*\Z", re.S)
_JSON_FRAME = re.compile(r'\A\{\n  "version": .*?"elements": \[\n\n|\n\n  \]\n\}\n*\Z', re.S)


@dataclass(frozen=True, slots=True)
class WrittenChange:
    """The actions of an osmChange file, and what the data is as of when it has been read."""

    actions: str
    timestamp: str

    def xml(self) -> str:
        return f'<osmChange version="0.6">\n{self.actions}</osmChange>\n'


@dataclass(frozen=True, slots=True)
class WrittenData:
    """A database as an entry has it: systems load it as they load a DataSet."""

    elements: str
    level: str
    areas: bool
    changes: tuple[WrittenChange, ...] = ()

    def xml(self) -> str:
        return f'<osm version="0.6">\n{self.elements}</osm>\n'


@dataclass(frozen=True, slots=True)
class Example:
    """A query and the answers that the entry promises; that of the reference is None if it changes."""

    title: str
    data: WrittenData
    query: str
    reference: str | None
    ours: str


def examples(page: str) -> Iterator[Example]:
    """Of all entries, in their order. Raises ValueError for a query without both answers, or without data before it."""
    for entry in re.split(r"^### ", page, flags=re.M)[1:]:
        title = entry.partition("\n")[0]
        yield from _of_entry(title, [(match[1], match[2].strip(), match[3]) for match in _BLOCK.finditer(entry)])


def _of_entry(title: str, blocks: list[tuple[str, str, str]]) -> Iterator[Example]:
    data: WrittenData | None = None
    waiting = iter(blocks)
    for label, more, text in waiting:
        if label == "Data":
            level = next((level for word, level in LEVELS.items() if word in more), "data")
            data = WrittenData(text, level, "areas" in more)
        elif label == "Change" and data:
            change = WrittenChange(text, more.removeprefix("of "))
            data = replace(data, changes=(*data.changes, change))
        elif label == "Query" and data:
            theirs, ours = next(waiting, ("",) * 3), next(waiting, ("",) * 3)
            if (theirs[0], ours[0]) != ("The reference", "osm3s"):
                raise ValueError(f"{title}: a query without both answers")
            constant = "now and then" not in theirs[1]
            yield Example(title, data, text, theirs[2].rstrip() if constant else None, ours[2].rstrip())
        else:
            raise ValueError(f"{title}: {label} without what belongs before it")


def told(answer: Answer) -> str:
    """An answer as it stands in an entry."""
    output = answer.output.decode("utf-8", "backslashreplace")
    for frame in _XML_FRAME, _JSON_FRAME, _PAGE_FRAME:
        output = frame.sub("", output)
    body = output.strip("\n")
    return "\n".join([*answer.errors, *([body] if body else [])])


def ask(system: InProcess | Reference, example: Example) -> str:
    """What a new system with the data of the example answers, without the directory in which that is."""
    system.load(example.data)
    return told(system.ask(example.query)).replace(f"{system.root}/", "")


def main(words: list[str]) -> int:
    prefix = os.environ.get("REFERENCE")
    for example in examples(DEVIATIONS.read_text(encoding="utf-8")):
        if not all(word in example.title for word in words):
            continue
        print(f"### {example.title}\nQuery:\n```overpassql\n{example.query}```")
        with tempfile.TemporaryDirectory(prefix="osm3s-argued-") as scratch:
            work = Path(scratch)
            if prefix:
                print(f"The reference:\n```xml\n{ask(Reference(Path(prefix), work, TIMEOUT_S), example)}\n```")
            print(f"osm3s:\n```xml\n{ask(InProcess(work), example)}\n```\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
