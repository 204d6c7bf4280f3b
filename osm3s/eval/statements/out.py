"""`out ...;`: print a set.

`ids skel body tags meta count`: how much is printed (`body` if nothing is said); `geom bb center`: geometry, of which
`geom(south,west,north,east)` only what is in a box; `asc qt`: by id or by place; `noids`; a number: at most so many.

Example: `way(12);out meta geom;`
Example: `nwr(50,6,52,8);out tags center qt 3;`
Example: `nwr(50,6,52,8);out count;`
Cost: proportional to what is printed; `geom`, `bb` and `center` of relations look up their members.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from osm3s.eval.batch import areas_in_order
from osm3s.eval.details import details_of
from osm3s.eval.execution import Execution
from osm3s.ffi.element_set import NODE, RELATION, WAY, ElementSet
from osm3s.output.derived import Derived, count_element
from osm3s.output.print_options import PrintOptions
from osm3s.ql.tree import Element

if TYPE_CHECKING:
    from osm3s.eval.difference import Difference
    from osm3s.storage.areas import StoredArea


def execute(execution: Execution, element: Element) -> None:
    options = PrintOptions.of(element)
    if execution.difference is not None and not execution.difference.wrapped:
        execution.difference.out(execution, element, options)
        return
    set_ = execution.read(element.get("from"))
    if execution.difference is not None:
        _print_actions(execution, execution.difference, set_, options)
        return
    if options.counts:
        print_count(execution, set_.counts(), options, len(set_.areas))
        return
    if execution.sets.get(element.get("from")) is None:
        return
    with execution.at(execution.sets.time_of(element.get("from"))):  # in `retro`, a set from outside is of that time
        users, members = details_of(execution, set_, options)
        printed = execution.writer.elements(execution.snapshot, set_, options, members, users, execution.limits)
    limit = None if options.limit is None else options.limit - printed
    areas = (areas_in_order(set_) if options.order == "quadtile" else set_.areas)[:limit]
    print_areas(execution, areas, options)
    printed += len(areas)
    limit = None if options.limit is None else options.limit - printed
    for derived in set_.deriveds[:limit]:
        execution.writer.derived(derived, options)


def _print_actions(execution: Execution, difference: Difference, set_: ElementSet, options: PrintOptions) -> None:
    """Print a set in a body of compare: everything is in an action of its own."""
    if options.counts:
        if options.limit != 0:
            with difference.action(execution):
                print_count(execution, set_.counts(), options, len(set_.areas))
        return
    printed = difference.elements(execution, set_, options)
    others = [*(areas_in_order(set_) if options.order == "quadtile" else set_.areas), *set_.deriveds]
    for other in others[: None if options.limit is None else options.limit - printed]:
        with difference.action(execution):
            if isinstance(other, Derived):
                execution.writer.derived(other, options)
            else:
                print_areas(execution, [other], options)


def print_areas(execution: Execution, areas: Sequence[StoredArea], options: PrintOptions) -> None:
    stored = execution.snapshot.areas if areas else None
    if stored is not None and all(area.is_stored for area in areas):
        execution.writer.areas(stored.snapshot, [area.row for area in areas], options, execution.limits)
        return
    for area in areas:
        execution.writer.derived(Derived("area", area.id, area.tags if options.tags else []), options)


def print_count(execution: Execution, counts: tuple[int, int, int], options: PrintOptions, areas: int = 0) -> None:
    """The object `count`, whose tags are the numbers of elements."""
    if options.limit == 0:
        return
    shown_areas = areas if execution.uses_areas else None
    execution.writer.derived(count_element(counts[NODE], counts[WAY], counts[RELATION], shown_areas), options)
