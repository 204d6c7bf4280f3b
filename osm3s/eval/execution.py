"""One run of a script on a snapshot: the sets, their scopes, its limits, and the order of statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakSet

from osm3s.errors import QueryFailed, QueryIncomplete, QueryOutOfMemory, QueryTimeout
from osm3s.eval.explanation import Explanation
from osm3s.eval.limits import Limits
from osm3s.eval.scope import Scope
from osm3s.eval.spatial import AreaIndex
from osm3s.ffi.batch import Batch
from osm3s.ffi.element_set import ElementSet
from osm3s.output.writer import Writer
from osm3s.ql.tree import Element
from osm3s.storage.snapshot import Snapshot

if TYPE_CHECKING:
    from osm3s.eval.difference import Difference

Box = tuple[float, float, float, float]
StatementTable = Mapping[str, Callable[["Execution", Element], None]]
"""What executes a statement, by the name of its element."""
Shortcut = Callable[["Execution", Sequence[Element]], bool]
"""Executes the next two statements at once if it can, and says whether it has."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A run of rules: the areas made so far, and who is told of those that cannot be made."""

    remark: Callable[[str], None]
    areas: Batch = field(default_factory=Batch)
    """For an update with positions; of several with one id the last counts."""


class Execution:
    """One run of one script. Statements read and replace named sets; an undefined set is empty."""

    def __init__(
        self,
        statements: StatementTable,
        snapshot: Snapshot,
        writer: Writer,
        limits: Limits,
        bbox: Box | None = None,
        web: bool = False,
        uses_areas: bool = False,
    ) -> None:
        """`bbox` is the global one; `web` chooses the wording of the message about memory; `uses_areas`: the script has
        a word that reads areas, so they are counted."""
        self._statements = statements
        self.snapshot = snapshot
        self.writer = writer
        self.limits = limits
        self.bbox = bbox
        self.uses_areas = uses_areas
        self.prepared_areas: dict[int, tuple[AreaIndex, ElementSet | None]] = {}
        """By the id of an area or the identity of a set, which is kept with it."""
        self.area_indexes: WeakSet[AreaIndex] = WeakSet()
        """All that are in use, remembered or not."""
        self.sets = Scope(time_s=snapshot.time)
        self.explanation = Explanation()
        self.difference: Difference | None = None
        """What this run has in common with the other one, if the script asks for a difference."""
        self.rules: Rules | None = None
        """What becomes of make-area, if this is a run of rules."""
        self.begun: dict[tuple[int, int, int], ElementSet] = {}
        """By type and interval: the elements with a version that began then (`changes.py`)."""
        self._held: list[ElementSet] = []
        self._derived_ids = 0
        self._stopped = False
        self._failures: list[str] = []
        self._web = web

    def read(self, name: str) -> ElementSet:
        """The set of that name, to be left unchanged (its nodes may be resolved)."""
        set_ = self.sets.get(name)
        return ElementSet() if set_ is None else set_

    def located(self, ids: Iterable[int], element_type: int, or_later: bool = False) -> ElementSet:
        """The elements that are there at the time in question, as they are then; `or_later`: see Snapshot.locate."""
        found = ElementSet()
        found.put_ids(element_type, ids)
        self.snapshot.locate(found.rows(element_type), element_type, or_later)
        return found

    def next_derived_id(self) -> int:
        """Ids of derived objects count up from 1."""
        self._derived_ids += 1
        return self._derived_ids

    @contextmanager
    def scope(self) -> Iterator[Scope]:
        """Run the inside with a scope of its own; what is written in it is lost unless it is exported."""
        outer = self.sets
        self.sets = Scope(outer, self.snapshot.time)
        try:
            yield self.sets
        finally:
            self.sets = outer

    @contextmanager
    def at(self, seconds: int) -> Iterator[None]:
        """The inside sees the map as it was at a time. Sets from outside stay what they were."""
        snapshot, outer = self.snapshot, self.snapshot.time
        if seconds != outer:
            for set_ in {id(set_): set_ for set_ in (*self.sets.all_sets(), *self._held)}.values():
                snapshot.resolve_nodes(set_)
        snapshot.set_time(seconds)
        try:
            yield
        finally:
            snapshot.set_time(outer)

    @contextmanager
    def holding(self, set_: ElementSet) -> Iterator[None]:
        """Count a set that has no name towards the memory in use."""
        self._held.append(set_)
        try:
            yield
        finally:
            self._held.pop()

    def run(self, statements: Sequence[Element], shortcut: Shortcut | None = None) -> None:
        """Execute statements one after the other; with a `shortcut`, nothing sees the sets afterwards.

        Raises QueryFailed with the text of the remark.
        """
        i = 0
        while i < len(statements):
            statement = statements[i]
            started_s = self.explanation.begin(statement)
            try:
                if shortcut and shortcut(self, statements[i:]):
                    i += 2
                    continue
                self._statements[statement.name](self, statement)
                self.check_limits()
            except (QueryTimeout, QueryOutOfMemory, MemoryError) as error:
                if self._stopped:  # the innermost statement is the one to be named
                    raise
                self._stopped = True
                if isinstance(error, QueryTimeout):
                    raise self._timeout(statement) from None
                raise self._out_of_memory(statement) from None
            finally:
                self.explanation.end(started_s)
            i += 1

    def fail(self, text: str) -> None:
        """A statement cannot be executed: tell it, and go on with the others."""
        if self._web:
            self.writer.remark(f"runtime error: {text}")
        self._failures.append(text)

    def end(self) -> None:
        """Raise QueryIncomplete if a statement could not be executed."""
        if self._failures:
            raise QueryIncomplete(self._failures)

    # --- limits -----------------------------------------------------------------------------------------------------

    def check_limits(self) -> None:
        """Raise QueryTimeout or QueryOutOfMemory when a limit is exceeded. Cheap: loops call it in every round."""
        if self.limits.timed_out:
            raise QueryTimeout
        if self.limits.maxsize_bytes and self.memory_bytes() > self.limits.maxsize_bytes:
            raise QueryOutOfMemory

    def memory_bytes(self) -> int:
        sets = {id(set_): set_ for set_ in (*self.sets.all_sets(), *self._held)}
        in_sets = sum(set_.memory_bytes() for set_ in sets.values())
        return in_sets + sum(areas.memory_bytes() for areas in self.area_indexes) + self.writer.held_bytes

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


def require_metadata(snapshot: Snapshot) -> None:
    """Raise QueryFailed if the database does not keep metadata."""
    if not snapshot.has_meta:
        raise QueryFailed("Tried to use meta file but no meta files available on this instance.")


def require_history(snapshot: Snapshot) -> None:
    """Raise QueryFailed if the database does not keep superseded versions."""
    if snapshot.settings.level != "attic":
        raise QueryFailed("Tried to use museum file but no museum files available on this instance.")
