"""`[diff:A,B]` and `[adiff:A,B]`: a script runs twice, at both times; what its out statements print is compared.

Listed is what only one run prints and what has changed between the times, be it by a version of its own or by what it
consists of. In a second run `compare` makes sets of what differs, which `out` prints in the same way.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from osm3s.eval.derived_order import unmatched
from osm3s.eval.details import details_of
from osm3s.eval.differing import Pairs, differing_pairs
from osm3s.eval.differing_in_box import differing_in_box
from osm3s.eval.execution import Execution
from osm3s.ffi import check, columns, ffi, lib
from osm3s.ffi.element_set import NODE, RELATION, TYPES, UNRESOLVED, WAY, ElementSet
from osm3s.ffi.out import RowPrinter, Users, print_actions, quadtile_order
from osm3s.output.derived import Derived
from osm3s.output.markup import escaped
from osm3s.output.print_options import PrintOptions
from osm3s.ql.timestamps import LATEST_S
from osm3s.ql.tree import Element
from osm3s.storage.versions import Version, Versions

TYPE_NAMES = ("node", "way", "relation")
IN_A_LOOP = "A print statement cannot be executed in a loop in a diff setting."


@dataclass(slots=True)
class Printed:
    """What an out statement prints in one run."""

    elements: ElementSet
    members: ElementSet | None
    users: Users | None


class Beside(NamedTuple):
    """An element that is not in a result."""

    is_there: bool
    version: int
    metadata: str
    """XML attributes."""

    def visibility(self) -> str:
        """An XML attribute."""
        return f' visible="{"true" if self.is_there else "false"}"'


class Difference:
    """What the two runs of one script have in common."""

    def __init__(self, before_s: int, after_s: int, shows_deleted: bool) -> None:
        """Times in seconds since 1970, 0 for now; `shows_deleted`: whether what is gone gets a <new> part."""
        self.before_s, self.after_s = before_s or LATEST_S, after_s or LATEST_S
        self.shows_deleted = shows_deleted
        self.is_second_run = False
        self.wrapped = ""
        """In a body of compare: the kind of action that encloses all that is printed."""
        self._printed: dict[int, Printed] = {}
        """By out statement, of the run before."""
        self._seen: set[int] = set()
        self._failed: set[int] = set()
        """The out statements that are executed more than once in a run: these print nothing."""
        self._compared: dict[int, ElementSet] = {}
        """By compare statement: its input in the first run."""

    @property
    def interval(self) -> tuple[int, int]:
        """Of a difference backwards, nothing lies in it."""
        return self.before_s, self.after_s

    def start_second_run(self) -> None:
        self.is_second_run = True
        self._seen.clear()

    # --- out --------------------------------------------------------------------------------------------------------

    def out(self, execution: Execution, statement: Element, options: PrintOptions) -> None:
        """Take or compare what a statement prints; if it is in a loop, this fails. As in the reference, a set that was
        never written in one of the runs is not printed at all."""
        name = statement.get("from")
        options = replace(options, mode="ids_only") if options.counts else options  # numbers are not compared
        compared, set_ = execution.sets.compared(name), execution.sets.get(name)
        if compared is None and set_ is None:
            return
        if compared is not None:
            options = replace(options, bbox=None)  # compared has been without a box
            after = self._taken(execution, compared.after, options)
            with execution.at(self.before_s):
                before = self._taken(execution, compared.before, options)
            self._print(execution, before, after, options)
        elif set_ is not None and not self._fails(execution, id(statement)):
            taken = self._taken(execution, set_, options)
            if not self.is_second_run:
                self._printed[id(statement)] = taken
            else:
                self._print(execution, self._printed.pop(id(statement)), taken, options)

    def _fails(self, execution: Execution, statement: int) -> bool:
        """Whether an out statement is executed again, which is told once, or was not executed in the first run."""
        if statement in self._seen and statement not in self._failed:
            self._failed.add(statement)
            self._printed.pop(statement, None)
            execution.fail(IN_A_LOOP)
        if self.is_second_run and statement not in self._printed:
            return True
        self._seen.add(statement)
        return statement in self._failed

    def _taken(self, execution: Execution, set_: ElementSet, options: PrintOptions) -> Printed:
        elements = set_.copy()
        execution.snapshot.resolve_nodes(elements)
        if options.bbox is not None:  # then geometry is compared even if it is not printed
            options = replace(options, geometry="full")
        users, members = details_of(execution, elements, options)
        return Printed(elements, members, users)

    def _printer(self, execution: Execution, taken: Printed, options: PrintOptions) -> RowPrinter:
        printer = execution.writer.printer(options, taken.members, taken.users)
        printer.round_centers()
        return printer

    def elements(self, execution: Execution, set_: ElementSet, options: PrintOptions) -> int:
        """In a body of compare: print each element in an action; returns how many there were."""
        snapshot, limits, printed = execution.snapshot, execution.limits, 0
        snapshot.resolve_nodes(set_)
        users, members = details_of(execution, set_, options)
        printer = execution.writer.printer(options, members, users)
        for element_type in TYPES:
            all_rows = set_.handle.of[element_type]
            in_order = options.order == "quadtile" and all_rows.n
            rows = quadtile_order(snapshot, limits, all_rows, element_type) if in_order else all_rows.rows
            print_one = printer.each(snapshot, element_type, execution.writer.sink, limits)
            left = all_rows.n if options.limit is None else options.limit - printed
            for i in range(min(all_rows.n, left)):
                with self.action(execution):
                    print_one(rows + i)
                printed += 1
        return printed

    @contextmanager
    def action(self, execution: Execution) -> Iterator[None]:
        """In a body of compare: what is printed inside is an action of its own."""
        self._write(execution, f'<action type="{self.wrapped}">\n')
        yield
        self._write(execution, "</action>\n")

    def _print(self, execution: Execution, before: Printed, after: Printed, options: PrintOptions) -> None:
        old_printer = self._printer(execution, before, options)
        new_printer = self._printer(execution, after, options)
        limits, sink = execution.limits, execution.writer.sink
        for element_type in TYPES:
            pairs = differing_pairs(execution, before.elements, after.elements, element_type, self.interval)
            if options.bbox is not None and element_type != NODE:
                sets, members = (before.elements, after.elements), (before.members, after.members)
                pairs = differing_in_box(execution, pairs, sets, members, element_type, options.bbox)
            results = [(printer, taken.elements) for printer, taken in ((old_printer, before), (new_printer, after))]
            beside = self._all_beside(execution, element_type, pairs, before, after, options)
            print_actions(execution.snapshot, limits, element_type, results, pairs.c, pairs.n, beside, sink)
        self._print_deriveds(execution, before.elements.deriveds, after.elements.deriveds, options)

    def _print_deriveds(
        self, execution: Execution, before: list[Derived], after: list[Derived], options: PrintOptions
    ) -> None:
        gone, come = unmatched(before, after)
        for derived in gone:
            self._write(execution, '<action type="delete">\n<old>\n')
            execution.writer.derived(derived, options)
            self._write(execution, "</old>\n</action>\n")
        for derived in come:
            self._write(execution, '<action type="create">\n')
            execution.writer.derived(derived, options)
            self._write(execution, "</action>\n")

    def _write(self, execution: Execution, text: str) -> None:
        execution.writer.sink.write(text)

    # --- what is not in a result ------------------------------------------------------------------------------------

    def _all_beside(
        self,
        execution: Execution,
        element_type: int,
        pairs: Pairs,
        before: Printed,
        after: Printed,
        options: PrintOptions,
    ) -> dict[int, str]:
        """By number of pair: how an element is shown that the other result does not have."""
        if not self.shows_deleted:
            return {}
        old, new = (taken.elements.rows(element_type).rows for taken in (before, after))
        gone = {number: old[i].id for number, (i, j) in enumerate(pairs) if j == UNRESOLVED}
        come = {number: j for number, (i, j) in enumerate(pairs) if i == UNRESOLVED}
        remains = self._beside(execution, element_type, list(gone.values()), self.after_s, options)
        sources = self._there_before(execution, element_type, new, list(come.values()), options)

        def element(element_id: int, attributes: str) -> str:
            id_ = f' id="{element_id}"' if options.ids else ""
            return f"  <{TYPE_NAMES[element_type]}{id_}{attributes}/>\n"

        shown = {n: element(i, remains[i].visibility() + remains[i].metadata) for n, i in gone.items()}
        ids = {number: new[j].id for number, j in come.items()}
        return shown | {n: element(i, sources[i].metadata) for n, i in ids.items() if i in sources}

    def _there_before(
        self, execution: Execution, element_type: int, rows: Any, numbers: list[int], options: PrintOptions
    ) -> dict[int, Beside]:
        """Of rows that are new in a result, the elements that were there before. As in the reference, only those that
        halving comes upon in the list of all that are new, although that is in the order of places."""
        entered = ElementSet()
        check(lib.osm3s_rows_pick(rows, ffi.new("uint32_t[]", numbers), len(numbers), entered.rows(element_type)))
        found = entered.handle.of[element_type]
        ids = columns.ids(quadtile_order(execution.snapshot, execution.limits, found, element_type), found.n)
        there = [i for i in self._located(execution, element_type, ids, self.before_s) if _comes_upon(ids, i)]
        return self._beside(execution, element_type, there, self.before_s, options)

    def _located(self, execution: Execution, element_type: int, ids: list[int], seconds: int) -> set[int]:
        """Those of the elements that were there at a time."""
        with execution.at(seconds):
            return set(execution.located(ids, element_type).ids(element_type))

    def _beside(
        self, execution: Execution, element_type: int, ids: list[int], seconds: int, options: PrintOptions
    ) -> dict[int, Beside]:
        """What elements that are not in a result were at a time."""
        if not ids:
            return {}
        wanted, visible = ElementSet(), self._located(execution, element_type, ids, seconds)
        wanted.put_ids(element_type, ids)
        versions = Versions(execution.snapshot, execution.limits.handle, element_type).of(wanted.rows(element_type))
        last = {version.id: version for version in versions.described() if version.since <= seconds}
        return {
            number: Beside(
                number in visible,
                last[number].version if number in last else 0,
                self._metadata(execution, last.get(number)) if options.meta else "",
            )
            for number in ids
        }

    def _metadata(self, execution: Execution, version: Version | None) -> str:
        if version is None:
            return ""
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(version.timestamp))
        user = execution.snapshot.user_name(version.uid) or ""
        return (
            f' version="{version.version}" timestamp="{date}" changeset="{version.changeset}"'
            f' uid="{version.uid}" user="{escaped(user)}"'
        )

    # --- compare ----------------------------------------------------------------------------------------------------

    def remember(self, statement: Element, set_: ElementSet) -> None:
        """What the input of a compare statement is in the first run."""
        self._compared[id(statement)] = set_

    def remembered(self, statement: Element) -> ElementSet:
        return self._compared.get(id(statement)) or ElementSet()

    def differing(self, execution: Execution, before: ElementSet, after: ElementSet) -> tuple[ElementSet, ElementSet]:
        """Those elements of both sets that only one of them has, or that have changed."""
        old, new = ElementSet(), ElementSet()
        for element_type in TYPES:
            pairs = differing_pairs(execution, before, after, element_type, self.interval)
            for result, set_, numbers in ((old, before, [i for i, _ in pairs]), (new, after, [j for _, j in pairs])):
                rows = set_.rows(element_type).rows
                result.put_ids(element_type, [rows[number].id for number in numbers if number != UNRESOLVED])
        kept_old, kept_new = before.copy((NODE, WAY, RELATION)), after.copy((NODE, WAY, RELATION))
        kept_old.intersect(old)
        kept_new.intersect(new)
        kept_old.deriveds, kept_new.deriveds = unmatched(before.deriveds, after.deriveds)
        return kept_old, kept_new


def _comes_upon(numbers: Sequence[int], number: int) -> bool:
    """Whether halving comes upon a number in a list that need not be sorted."""
    place = bisect_left(numbers, number)
    return place < len(numbers) and numbers[place] == number
