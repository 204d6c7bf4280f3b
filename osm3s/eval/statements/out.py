"""`out ...;`: print a set."""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.eval.recursion import member_rows
from osm3s.ffi.element_set import NODE, RELATION, TYPES, WAY, ElementSet
from osm3s.ffi.out import Users
from osm3s.output.derived import Derived
from osm3s.output.print_options import PrintOptions
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    options = PrintOptions.of(element)
    set_ = execution.read(element.get("from"))
    if options.counts:
        print_count(execution, set_.counts(), options)
        return
    snapshot = execution.snapshot
    users = None
    members = None
    if options.meta and snapshot.has_meta:
        snapshot.resolve_nodes(set_)
        for element_type in TYPES:
            snapshot.attach_meta_of(set_.rows(element_type))
        users = Users.of(snapshot.user_names(set_))
    elif options.needs_blocks:
        snapshot.resolve_nodes(set_, tagged_only=True)
    if options.needs_members and set_.count(RELATION):
        members = ElementSet()
        for element_type in (NODE, WAY):
            member_rows(execution, set_, element_type, None, members)
    printed = execution.writer.elements(snapshot, set_, options, members, users, execution.limits)
    limit = None if options.limit is None else options.limit - printed
    for derived in set_.deriveds[:limit]:
        execution.writer.derived(derived, options)


def print_count(execution: Execution, counts: tuple[int, int, int], options: PrintOptions) -> None:
    """The object `count`, whose tags are the numbers of elements."""
    tags = [
        ("nodes", str(counts[NODE])),
        ("ways", str(counts[WAY])),
        ("relations", str(counts[RELATION])),
        ("total", str(sum(counts))),
    ]
    execution.writer.derived(Derived("count", 0, tags), options)
