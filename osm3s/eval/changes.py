"""What changed in a time: elements that got a version or went, ways whose nodes moved, relations whose members did."""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.eval.recursion import members_of, relations_with
from osm3s.ffi.element_set import NODE, RELATION, TYPES, WAY, ElementSet
from osm3s.storage.index_keys import FORMER_OWNERS
from osm3s.storage.versions import Versions, logged_begun

Interval = tuple[int, int]


def changed_ids(execution: Execution, interval: Interval, types: tuple[int, ...] = TYPES) -> ElementSet:
    """The elements that changed after the one and up to the other time, as unresolved rows: also those gone."""
    result = ElementSet()
    if interval[0] >= interval[1]:
        return result
    for element_type in types:
        result.add(_begun(execution, element_type, interval), (element_type,))
        if element_type == RELATION:
            result.add(_relations_of_moved(execution, interval), (RELATION,))
        execution.check_limits()
    return result


def _versions(execution: Execution, element_type: int) -> Versions:
    return Versions(execution.snapshot, execution.limits.handle, element_type)


def _begun(execution: Execution, element_type: int, interval: Interval) -> ElementSet:
    """What has a version that began then. A script asks for each type, and in each of two runs: it is kept."""
    begun = execution.begun
    if (element_type, *interval) not in begun:
        logged = logged_begun(execution.snapshot, execution.limits.handle, *interval)
        if logged is not None:
            begun.update({(kind, *interval): logged for kind in TYPES})
        else:
            begun[element_type, *interval] = _versions(execution, element_type).begun(*interval).ids()
    return begun[element_type, *interval]


def _relations_of_moved(execution: Execution, interval: Interval) -> ElementSet:
    """Relations that had a member in the time that moved then."""
    snapshot, moved, owners, ids = execution.snapshot, ElementSet(), ElementSet(), ElementSet()
    for element_type in (NODE, WAY):
        changed = _begun(execution, element_type, interval)
        for kind in (element_type, FORMER_OWNERS + element_type):
            of_kind = ElementSet()
            snapshot.owners(changed.rows(element_type), kind, of_kind.rows(RELATION))
            owners.add(of_kind, (RELATION,))
        execution.check_limits()
    if owners.count(RELATION) == 0:
        return ids
    valid = _versions(execution, RELATION).of(owners.rows(RELATION), interval).keep_valid(*interval)
    for element_type in (NODE, WAY):
        members = members_of(execution, valid, element_type)
        members.intersect(_begun(execution, element_type, interval), (element_type,))
        found = _versions(execution, element_type).of(members.rows(element_type)).moved(*interval)
        moved.add(found, (element_type,))
        execution.check_limits()
    relations = ElementSet()
    relations_with(execution, valid, moved, (NODE, WAY), None, relations)
    ids.put_ids(RELATION, set(relations.ids(RELATION)))
    return ids
