"""What changed in a time: elements that got a version or went, ways whose nodes moved, relations whose members did."""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.eval.recursion import relations_with
from osm3s.ffi.element_set import NODE, RELATION, TYPES, WAY, ElementSet
from osm3s.storage.index_keys import FORMER_OWNERS
from osm3s.storage.versions import Versions

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
    kept = execution.begun.get((element_type, *interval))
    if kept is None:
        kept = execution.begun[element_type, *interval] = _versions(execution, element_type).begun(*interval).ids()
    return kept


def _relations_of_moved(execution: Execution, interval: Interval) -> ElementSet:
    """Relations that had a member in the time that moved then."""
    snapshot, moved, owners = execution.snapshot, ElementSet(), ElementSet()
    for element_type in (NODE, WAY):
        changed = _begun(execution, element_type, interval)
        found = _versions(execution, element_type).of(changed.rows(element_type)).moved(*interval)
        moved.add(found, (element_type,))
        for kind in (element_type, FORMER_OWNERS + element_type):
            of_kind = ElementSet()
            snapshot.owners(found.rows(element_type), kind, of_kind.rows(RELATION))
            owners.add(of_kind, (RELATION,))
        execution.check_limits()
    versions = _versions(execution, RELATION).of(owners.rows(RELATION), interval)
    relations, ids = ElementSet(), ElementSet()
    relations_with(execution, versions.keep_valid(*interval), moved, (NODE, WAY), None, relations)
    ids.put_ids(RELATION, set(relations.ids(RELATION)))
    return ids
