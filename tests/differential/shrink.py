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
            if differs(smaller_data, query.text()):
                data, progress = smaller_data, True
                break
    return data, query


def simpler_data(data: DataSet) -> Iterator[DataSet]:
    """The data with something left out. What refers to an element goes with it, so that nothing new is missing."""
    elements = data.elements
    size = len(elements)
    while size:
        for start in range(0, len(elements), size):
            yield _without(data, elements[start : start + size])
        size //= 2
    for i, element in enumerate(elements):
        for simpler in _simpler_elements(element):
            yield replace(data, elements=(*elements[:i], simpler, *elements[i + 1 :]), index={})


def _without(data: DataSet, gone: tuple[Element, ...]) -> DataSet:
    keys = {(element.kind, element.id) for element in gone}
    rest = []
    for element in data.elements:
        if (element.kind, element.id) not in keys:
            refs = tuple(ref for ref in element.refs if ("node", ref) not in keys)
            members = tuple(member for member in element.members if (member.kind, member.ref) not in keys)
            rest.append(replace(element, refs=refs, members=members))
    return replace(data, elements=tuple(rest), index={})


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
    if element.version != Version():
        yield replace(element, version=Version())
    for digits in (10**7, 10**5, 10**3):
        rounded = replace(element, lat_e7=element.lat_e7 // digits * digits, lon_e7=element.lon_e7 // digits * digits)
        if rounded != element:
            yield rounded
