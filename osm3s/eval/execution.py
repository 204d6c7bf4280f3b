"""Runs a script on a snapshot: the sets, their scopes, and the order of statements."""

from __future__ import annotations

from collections.abc import Sequence

from osm3s.errors import QueryOutOfMemory, QueryTimeout
from osm3s.eval.limits import Limits
from osm3s.ffi.element_set import ElementSet
from osm3s.output.writer import Writer
from osm3s.ql.tree import Element
from osm3s.storage.snapshot import Snapshot

Box = tuple[float, float, float, float]


class Execution:
    """One run of one script. Statements read and replace named sets; an undefined set is empty."""

    def __init__(
        self, snapshot: Snapshot, writer: Writer, limits: Limits, bbox: Box | None = None, web: bool = False
    ) -> None:
        """`bbox` is the global one; `web` chooses the wording of the message about memory."""
        self.snapshot = snapshot
        self.writer = writer
        self.limits = limits
        self.bbox = bbox
        self.sets: dict[str, ElementSet] = {}
        self._web = web

    def read(self, name: str) -> ElementSet:
        """The set of that name, to be left unchanged (its nodes may be resolved)."""
        return self.sets.get(name) or ElementSet()

    def run(self, statements: Sequence[Element]) -> None:
        """Execute statements one after the other. Raises QueryFailed with the text of the remark."""
        from osm3s.eval.statements import STATEMENTS
        from osm3s.eval.statements.count_only import count_only

        i = 0
        while i < len(statements):
            statement = statements[i]
            try:
                if count_only(self, statements[i:]):
                    i += 2
                    continue
                STATEMENTS[statement.name](self, statement)
                self._check_limits(statement)
            except QueryTimeout:
                raise self._timeout(statement) from None
            except (QueryOutOfMemory, MemoryError):
                raise self._out_of_memory(statement) from None
            i += 1

    # --- limits -----------------------------------------------------------------------------------------------------

    def _check_limits(self, statement: Element) -> None:
        if self.limits.timed_out:
            raise QueryTimeout
        if self.limits.maxsize_bytes and self.memory_bytes() > self.limits.maxsize_bytes:
            raise QueryOutOfMemory

    def memory_bytes(self) -> int:
        return sum({id(set_): set_.memory_bytes() for set_ in self.sets.values()}.values())

    def _timeout(self, statement: Element) -> QueryTimeout:
        return QueryTimeout(
            f'Query timed out in "{statement.name}" at line {statement.line} after {self.limits.elapsed_s} seconds.'
        )

    def _out_of_memory(self, statement: Element) -> QueryOutOfMemory:
        megabytes = self.memory_bytes() >> 20
        place = f'in "{statement.name}" at line {statement.line}'
        if self._web:
            return QueryOutOfMemory(
                f"Query ran out of memory {place}. It would need at least {megabytes} MB of RAM to continue."
            )
        return QueryOutOfMemory(f"Query run out of memory {place} using about {megabytes} MB of RAM.")


def execute(
    script: Element, snapshot: Snapshot, writer: Writer, limits: Limits, bbox: Box | None = None, web: bool = False
) -> None:
    """Run a whole script that `support.check` has passed; what it prints goes to `writer`.

    Raises QueryFailed when the query is stopped; what was printed before stays valid.
    """
    Execution(snapshot, writer, limits, bbox, web).run(script.children)
