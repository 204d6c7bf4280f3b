"""What a query did: per statement the time it took, what it found, and by which way it came to its elements."""

from __future__ import annotations

from time import monotonic
from typing import Any

from osm3s.ql.tree import Element

STEPS_MAX = 1000
"""Loops may have a million of them."""
FAMILY_NAMES = ("nodes without tags", "nodes with tags", "ways", "relations")
TYPE_NAMES = ("nodes", "ways", "relations")


class Step:
    """One execution of one statement."""

    __slots__ = ("depth", "duration_s", "line", "notes", "statement")

    def __init__(self, statement: str, line: int, depth: int) -> None:
        self.statement = statement
        self.line = line
        self.depth = depth
        self.duration_s = 0.0
        """With the statements inside it."""
        self.notes: list[tuple[Any, ...]] = []

    @property
    def ways(self) -> list[str]:
        """How it came to its elements, in words."""
        return [_in_words(*note) for note in self.notes]

    def as_json(self) -> dict[str, Any]:
        return {
            "statement": self.statement,
            "line": self.line,
            "depth": self.depth,
            "ms": round(self.duration_s * 1000, 3),
            "plan": self.ways,
        }


class Explanation:
    """Every query has one, so to note something must cost next to nothing: words are made only if somebody asks."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.n_left_out = 0
        self._open: list[Step] = []

    def begin(self, element: Element) -> float:
        """A statement begins; `end` wants what this returns."""
        step = Step(element.name, element.line, len(self._open))
        if len(self.steps) < STEPS_MAX:
            self.steps.append(step)
        else:
            self.n_left_out += 1
        self._open.append(step)
        return monotonic()

    def end(self, started_s: float) -> None:
        self._open.pop().duration_s = monotonic() - started_s

    def running(self) -> Step | None:
        """The innermost statement that is being executed; may be asked by another thread."""
        running = self._open[-1:]
        return running[0] if running else None

    def blocks(self, family: int, n: int, of: int, by: str) -> None:
        """`n` of the blocks of a family were read, the others skipped; `by` says what chose them."""
        self._note("blocks", family, n, of, by)

    def rows(self, element_type: int, n: int, sources: int) -> None:
        """The candidates were given: ids, sets, what a recursion has found."""
        self._note("rows", element_type, n, sources)

    def counted(self, family: int, n_blocks: int) -> None:
        self._note("counted", family, n_blocks)

    def found(self, counts: tuple[int, int, int]) -> None:
        self._note("found", *counts)

    def _note(self, *note: Any) -> None:
        if self._open:
            self._open[-1].notes.append(note)

    def text(self) -> str:
        """For people: a line per step, what is inside others is indented; below it how it was done."""
        lines = ["       ms  statement"]
        for step in self.steps:
            lines.append(f"{step.duration_s * 1000:9.3f}  {'  ' * step.depth}{step.statement} (line {step.line})")
            lines += [f"           {'  ' * step.depth}  {way}" for way in step.ways]
        if self.n_left_out:
            lines.append(f"           … and {self.n_left_out} more")
        return "\n".join(lines) + "\n"


def _in_words(what: str, *values: Any) -> str:
    match what, values:
        case "blocks", [family, n, of, by]:
            return f"{FAMILY_NAMES[family]}: {n} blocks read, {of - n} skipped, chosen by {by}"
        case "rows", [element_type, n, sources]:
            whence = "ids or a set" if sources == 1 else f"{sources} filters by ids and sets"
            return f"{TYPE_NAMES[element_type]}: {n} candidates from {whence}"
        case "counted", [family, n_blocks]:
            return f"{FAMILY_NAMES[family]}: counted in the tag directory, {n_blocks} blocks read for their changes"
        case _:
            names = [f"{n} {name}" for n, name in zip(values, TYPE_NAMES, strict=True) if n]
            return f"found {', '.join(names) or 'nothing'}"
