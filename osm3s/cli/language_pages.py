"""`make docs`: the pages about the words of the language, from what the docstrings of the modules say.

The docstring of a statement's or filter's module is one page; where a module holds several words (evaluators, settings,
formats), each paragraph that begins with the word between backticks is one. What counts in a docstring:

    `syntax`: what it does.

    Example: `a query on the example map`
    Cost: what it takes; at the end of the docstring, for all its words.

The form in XML and the answer are added to each example by running it. A docstring without an example has no page.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from shutil import copytree
from types import ModuleType

from osm3s import ql
from osm3s.eval.evaluators import CONTAINERS, GEOMETRIES, STRINGS
from osm3s.eval.filters import FILTERS
from osm3s.eval.statements import STATEMENTS
from osm3s.output import csv, custom, json, popup, xml
from osm3s.output.markup import escaped
from osm3s.paths import DatabaseDir
from osm3s.ql import settings
from osm3s.ql.tree import Element
from osm3s.serve.local import LocalDatabase
from osm3s.update.update_files import update_files

HEADINGS = {
    "statement": "Statements",
    "filter": "Filters",
    "function": "Functions",
    "setting": "Settings",
    "format": "Output formats",
}
MAP = "example.osm"
TEMPLATES = Path(__file__).resolve().parent.parent.parent / "dbdir-template" / "templates"
MAP_TIMESTAMP = "2020-02-01T00:00:00Z"
_EXAMPLE = re.compile(r"^Example: `(.*)`$", re.MULTILINE)
_COST = re.compile(r"^Cost: (.*?)\s*\Z", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"^`[^`]+`: ", re.MULTILINE)
_SYNTAX = re.compile(r"`[^`]+`(?:, `[^`]+`)*")
_NAME = re.compile(r"`\[?(?:out:)?([a-z_]+)")
_UNNAMED = {"`::`": "generic", "`set.val`": "val", "`t[": "t", '`"text"`': "constant", "`! -": "operators"}
"""Names of pages whose syntax does not begin with a name, or begins with another one."""


@dataclass(frozen=True, slots=True)
class Word:
    """One page: `name` is that of its file, `syntax` in backticks."""

    kind: str
    name: str
    syntax: str
    text: str
    examples: tuple[str, ...]
    cost: str

    @property
    def file(self) -> str:
        return f"{self.kind}-{self.name}.md"


def words() -> list[Word]:
    """All words whose docstring has an example, in the order of the pages' list."""
    return [
        *_single("statement", STATEMENTS.values()),
        *_single("filter", FILTERS.values()),
        *_several("function", _modules([*STRINGS.values(), *GEOMETRIES.values(), *CONTAINERS.values()])),
        *_several("setting", [settings]),
        *_several("format", [xml, json, csv, custom, popup]),
    ]


def _modules(functions: Iterable[Callable[..., object]]) -> list[ModuleType]:
    return [import_module(name) for name in dict.fromkeys(function.__module__ for function in functions)]


def _single(kind: str, functions: Iterable[Callable[..., object]]) -> Iterator[Word]:
    for module in _modules(functions):
        doc = module.__doc__ or ""
        if _EXAMPLE.search(doc):
            yield _word(kind, module.__name__.rpartition(".")[2].rstrip("_"), doc, _cost_of(doc))


def _several(kind: str, modules: list[ModuleType]) -> Iterator[Word]:
    for module in modules:
        doc = module.__doc__ or ""
        starts = [match.start() for match in _ENTRY.finditer(doc)]
        for start, end in zip(starts, [*starts[1:], len(doc)], strict=True):
            entry = doc[start:end]
            if _EXAMPLE.search(entry):
                yield _word(kind, _name(entry), entry, _cost_of(doc))


def _name(entry: str) -> str:
    special = next((name for begin, name in _UNNAMED.items() if entry.startswith(begin)), None)
    found = _NAME.match(entry)
    if not special and not found:
        raise ValueError(f"no name for the page that begins with {entry[:40]}")
    return special or (found[1] if found else "")


def _cost_of(doc: str) -> str:
    found = _COST.search(doc)
    return _sentence(" ".join(found[1].split())) if found else ""


def _word(kind: str, name: str, doc: str, cost: str) -> Word:
    text = _COST.sub("", _EXAMPLE.sub("", doc)).strip()
    syntax = _SYNTAX.match(text)
    if syntax is None:
        raise ValueError(f"the docstring about {name} does not begin with its syntax")
    return Word(kind, name, syntax[0], _sentence(text[syntax.end() :]), tuple(_EXAMPLE.findall(doc)), cost)


def _sentence(text: str) -> str:
    text = text.lstrip(": \n")
    return text[:1].upper() + text[1:]


def pages(database: LocalDatabase) -> dict[str, str]:
    """The text of each file; `database` holds the example map. Raises Osm3sError for an example that fails."""
    found: dict[str, str] = {}
    index = ["# The words of the language\n", f"The examples run on the small map in [{MAP}]({MAP})."]
    kind = ""
    for word in words():
        if word.kind != kind:
            kind = word.kind
            index.append(f"\n## {HEADINGS[kind]}\n")
        if word.file in found:
            raise ValueError(f"two pages are to be called {word.file}")
        found[word.file] = _page(word, database)
        index.append(f"- [{word.syntax}]({word.file})")
    found["README.md"] = "\n".join(index) + "\n"
    return found


def _page(word: Word, database: LocalDatabase) -> str:
    parts = [f"# {word.syntax}\n", word.text + "\n"]
    for example in word.examples:
        parts += [
            "## Example\n",
            f"```\n{example}\n```\n",
            "The same in XML:\n",
            f"```xml\n{xml_form(ql.parse(example))}```\n",
            "Its answer on the example map:\n",
            f"```\n{shown(database.query(example).text)}\n```\n",
        ]
    if word.cost:
        parts += ["## Cost\n", word.cost + "\n"]
    return "\n".join(parts)


def xml_form(element: Element, indent: str = "") -> str:
    """The element with the attributes that do not have their default."""
    default = Element(element.name)
    attributes = "".join(
        f' {name}="{escaped(value)}"' for name, value in element.attrs.items() if value != default.get(name)
    )
    if not element.children:
        return f"{indent}<{element.name}{attributes}/>\n"
    inside = "".join(xml_form(child, indent + "  ") for child in element.children)
    return f"{indent}<{element.name}{attributes}>\n{inside}{indent}</{element.name}>\n"


def shown(answer: str) -> str:
    """An answer in XML without its frame, others as they are but for the version of the program."""
    if answer.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<osm '):
        return answer.partition("<meta ")[2].partition("\n\n")[2].removesuffix("\n</osm>\n").rstrip()
    return re.sub(r'"generator": "[^"]*"', '"generator": "..."', answer).rstrip()


def example_database(scratch: Path, directory: Path) -> LocalDatabase:
    """A new database in `scratch` with the map that lies in the directory, and the templates to start with."""
    root = scratch / "db"
    update_files(str(root), [str(directory / MAP)], "attic", MAP_TIMESTAMP, None)
    copytree(TEMPLATES, DatabaseDir(str(root)).templates)
    return LocalDatabase(str(root))


def generate(directory: Path) -> dict[str, str]:
    """The pages, with the map that lies in the directory."""
    with tempfile.TemporaryDirectory(prefix="osm3s-docs-") as scratch:
        return pages(example_database(Path(scratch), directory))


def main(arguments: list[str]) -> int:
    directory = Path(arguments[0])
    found = generate(directory)
    for old in directory.glob("*.md"):
        if old.name not in found:
            old.unlink()
    for name, text in found.items():
        (directory / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
