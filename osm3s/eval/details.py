"""What printing a set needs beyond its rows: the names of its users, and the members of its relations."""

from __future__ import annotations

from osm3s.eval.execution import Execution, require_metadata
from osm3s.eval.recursion import member_rows
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import NODE, RELATION, TYPES, WAY, ElementSet
from osm3s.ffi.out import Users
from osm3s.output.print_options import PrintOptions


def details_of(execution: Execution, set_: ElementSet, options: PrintOptions) -> tuple[Users | None, ElementSet | None]:
    """Make readable what is to be printed of a set; each of the two is None if it is not needed. Raises QueryFailed if
    metadata is to be printed, and there is none."""
    snapshot = execution.snapshot
    users = members = None
    if options.meta:
        require_metadata(snapshot)
        snapshot.resolve_nodes(set_)
        for element_type in TYPES:
            snapshot.attach_meta_of(set_.rows(element_type))
        users = Users.of(snapshot.user_names(set_))
    elif options.needs_blocks:
        snapshot.resolve_nodes(set_, tagged_only=True)
    if snapshot.time and options.order == "quadtile":
        snapshot.resolve_superseded_nodes(set_)  # the order tells apart what is still there
    if options.needs_members and set_.count(RELATION) and not _bounds_suffice(execution, set_, options):
        members = ElementSet()
        for element_type in (NODE, WAY):
            member_rows(execution, set_, element_type, None, members, or_later=True)
    return users, members


def _bounds_suffice(execution: Execution, set_: ElementSet, options: PrintOptions) -> bool:
    """Whether all that is printed of the relations' places is in their blocks. A difference prints its sets later, when
    the snapshot is at another time."""
    if not options.needs_only_bounds or execution.difference is not None:
        return False
    stored = ffi.new("int *")
    check(lib.osm3s_bounds_are_stored(execution.snapshot.handle, set_.rows(RELATION), stored))
    return bool(stored[0])
