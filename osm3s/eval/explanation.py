"""What a query did: per statement the time it took, what it found, and by which way it came to its elements."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from osm3s.ql.tree import Element

STEPS_MAX = 1000
"""Loops may have a million of them."""
FAMILY_NAMES = ("nodes without tags", "nodes with tags", "ways", "relations")
TYPE_NAMES = ("nodes", "ways", "relations")


@dataclass(slots=True)
class Step:
    """One execution of one statement."""

    statement: str
    line: int
    depth: int
    duration_s: float = 0.0
    """With the statements inside it."""
    ways: list[str] = field(default_factory=list)
    """How it came to its elements."""

    def as_json(self) -> dict[str, Any]:
        return {
            "statement": self.statement,
            "line": self.line,
            "depth": self.depth,
            "ms": round(self.duration_s * 1000, 3),
            "plan": self.ways,
        }


class Explanation:
    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.n_left_out = 0
        self._open: list[Step] = []

    @contextmanager
    def statement(self, element: Element) -> Iterator[None]:
        step = Step(element.name, element.line, len(self._open))
        if len(self.steps) < STEPS_MAX:
            self.steps.append(step)
        else:
            self.n_left_out += 1
        self._open.append(step)
        started_s = time.monotonic()
        try:
            yield
        finally:
            step.duration_s = time.monotonic() - started_s
            self._open.pop()

    def running(self) -> Step | None:
        """The innermost statement that is being executed; may be asked by another thread."""
        running = self._open[-1:]
        return running[0] if running else None

    def blocks(self, family: int, n: int, of: int, by: str) -> None:
        """`n` of the blocks of a family were read, the others skipped; `by` says what chose them."""
        self._add(f"{FAMILY_NAMES[family]}: {n} blocks read, {of - n} skipped, chosen by {by}")

    def rows(self, element_type: int, n: int, sources: int) -> None:
        """The candidates were given: ids, sets, what a recursion has found."""
        whence = "ids or a set" if sources == 1 else f"{sources} filters by ids and sets"
        self._add(f"{TYPE_NAMES[element_type]}: {n} candidates from {whence}")

    def counted(self, family: int, n_blocks: int) -> None:
        self._add(f"{FAMILY_NAMES[family]}: counted in the tag directory, {n_blocks} blocks read for their changes")

    def found(self, counts: tuple[int, int, int]) -> None:
        names = [f"{n} {name}" for n, name in zip(counts, TYPE_NAMES, strict=True) if n]
        self._add(f"found {', '.join(names) or 'nothing'}")

    def _add(self, text: str) -> None:
        if self._open:
            self._open[-1].ways.append(text)

    def text(self) -> str:
        """For people: a line per step, what is inside others is indented; below it how it was done."""
        lines = ["       ms  statement"]
        for step in self.steps:
            lines.append(f"{step.duration_s * 1000:9.3f}  {'  ' * step.depth}{step.statement} (line {step.line})")
            lines += [f"           {'  ' * step.depth}  {way}" for way in step.ways]
        if self.n_left_out:
            lines.append(f"           … and {self.n_left_out} more")
        return "\n".join(lines) + "\n"
