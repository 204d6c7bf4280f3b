"""Making a difference small: ever less query and ever less data, as long as it shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import takewhile

from .dataset import DataSet, Element, Version
from .trees import Tree

Differs = Callable[[DataSet, str], bool]


def shrink(data: DataSet, query: Tree, differs: Differs, time_s: float = 25) -> tuple[DataSet, Tree]:
    """The smallest pair that greedy steps lead to; the best so far when the time is over."""
    end = time.monotonic() + time_s

    def in_time(candidate: object) -> bool:
        return time.monotonic() < end

    progress = True
    while progress:
        progress = False
        for smaller_query in takewhile(in_time, query.simpler()):
            if differs(data, smaller_query.text()):
                query, progress = smaller_query, True
                break
        if progress:
            continue
        for smaller_data in takewhile(in_time, simpler_data(data)):
            if any(
                element.kind == "way" and not element.refs and not element.deleted
                for element in smaller_data.versions()
            ):
                continue  # nobody has such ways, and they make differences of their own
            if differs(smaller_data, query.text()):
                data, progress = smaller_data, True
                break
    return data, query


def simpler_data(data: DataSet) -> Iterator[DataSet]:
    """The data with something left out. What refers to an element goes with it, so that nothing new is missing."""
    for i in range(len(data.changes)):
        yield replace(data, changes=data.changes[:i] + data.changes[i + 1 :], index={})
    if data.areas:
        yield replace(data, areas=False, index={})
    elements = data.elements
    size = len(elements)
    while size:
        for start in range(0, len(elements), size):
            yield _without(data, elements[start : start + size])
        size //= 2
    for i, element in enumerate(elements):
        for simpler in _simpler_elements(element):
            yield replace(data, elements=(*elements[:i], simpler, *elements[i + 1 :]), index={})
    for i, change in enumerate(data.changes):
        for j, element in enumerate(change.elements):
            rests = [change.elements[:j] + change.elements[j + 1 :]] if len(change.elements) > 1 else []
            rests += [
                (*change.elements[:j], simpler, *change.elements[j + 1 :]) for simpler in _simpler_elements(element)
            ]
            for rest in rests:
                simpler_change = replace(change, elements=rest)
                yield replace(data, changes=(*data.changes[:i], simpler_change, *data.changes[i + 1 :]), index={})


def _without(data: DataSet, gone: tuple[Element, ...]) -> DataSet:
    keys = {(element.kind, element.id) for element in gone}
    changes = (replace(change, elements=_rest(change.elements, keys)) for change in data.changes)
    kept = tuple(change for change in changes if change.elements)
    return replace(data, elements=_rest(data.elements, keys), changes=kept, index={})


def _rest(elements: tuple[Element, ...], keys: set[tuple[str, int]]) -> tuple[Element, ...]:
    rest = []
    for element in elements:
        if (element.kind, element.id) not in keys:
            refs = tuple(ref for ref in element.refs if ("node", ref) not in keys)
            members = tuple(member for member in element.members if (member.kind, member.ref) not in keys)
            rest.append(replace(element, refs=refs, members=members))
    return tuple(rest)


def _simpler_elements(element: Element) -> Iterator[Element]:
    for i in range(len(element.tags)):
        yield replace(element, tags=element.tags[:i] + element.tags[i + 1 :])
    for i in range(len(element.refs)):
        yield replace(element, refs=element.refs[:i] + element.refs[i + 1 :])
    for i, member in enumerate(element.members):
        yield replace(element, members=element.members[:i] + element.members[i + 1 :])
        if member.role:
            plain = replace(member, role="")
            yield replace(element, members=(*element.members[:i], plain, *element.members[i + 1 :]))
    simple = Version(element.version.number, element.version.timestamp)
    if element.version != simple:
        yield replace(element, version=simple)
    for digits in (10**7, 10**5, 10**3):
        rounded = replace(element, lat_e7=element.lat_e7 // digits * digits, lon_e7=element.lon_e7 // digits * digits)
        if rounded != element:
            yield rounded
