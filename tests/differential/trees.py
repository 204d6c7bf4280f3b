"""Queries as trees of text: they can be made smaller and still be queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Row:
    """Trees beside each other of which each can be left out, down to `minimum`."""

    trees: tuple[Tree, ...]
    separator: str = ""
    minimum: int = 0

    def text(self) -> str:
        return self.separator.join(tree.text() for tree in self.trees)


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree can stand where another of the same kind stands; `simple` are texts that may stand there as well."""

    kind: str
    parts: tuple[str | Tree | Row, ...]
    simple: tuple[str, ...] = ()

    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text() for part in self.parts)

    def inner(self) -> Iterator[Tree]:
        """The trees directly below."""
        for part in self.parts:
            if isinstance(part, Tree):
                yield part
            elif isinstance(part, Row):
                yield from part.trees

    def below(self, kind: str) -> Iterator[Tree]:
        """The next trees of a kind on every way down."""
        for tree in self.inner():
            if tree.kind == kind:
                yield tree
            else:
                yield from tree.below(kind)

    def simpler(self) -> Iterator[Tree]:
        """The tree with one thing left out or replaced, large things first."""
        own = self.text()
        for text in self.simple:
            if len(text) < len(own):
                yield Tree(self.kind, (text,))
        yield from self.below(self.kind)
        for i, part in enumerate(self.parts):
            if isinstance(part, Row):
                for row in _simpler_rows(part):
                    yield self._with(i, row)
        for i, part in enumerate(self.parts):
            if isinstance(part, Tree):
                for tree in part.simpler():
                    yield self._with(i, tree)

    def _with(self, i: int, part: Tree | Row) -> Tree:
        return replace(self, parts=(*self.parts[:i], part, *self.parts[i + 1 :]))


def _simpler_rows(row: Row) -> Iterator[Row]:
    trees = row.trees
    size = len(trees)
    while size:
        for start in range(0, len(trees), size):
            rest = trees[:start] + trees[start + size :]
            if len(rest) >= row.minimum and len(rest) < len(trees):
                yield replace(row, trees=rest)
        size //= 2
    for i, tree in enumerate(trees):
        for simpler in tree.simpler():
            yield replace(row, trees=(*trees[:i], simpler, *trees[i + 1 :]))
        for inside in _bodies(tree):  # a block by what is in it
            yield replace(row, trees=(*trees[:i], *inside, *trees[i + 1 :]))


def _bodies(tree: Tree) -> Iterator[tuple[Tree, ...]]:
    for part in tree.parts:
        if (
            isinstance(part, Row)
            and tree.kind == "statement"
            and all(inner.kind == "statement" for inner in part.trees)
        ):
            yield part.trees
