"""What a history says was there at a time, told slowly: all versions of everything, and the one that counts."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st
from small_worlds import elements

from osm3s.ffi.batch import Element

START = 1_000_000_000


class HistoryModel:
    """Versions by type and id, in their order."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, int], list[Element]] = {}

    def feed(self, batch: Iterable[Element]) -> None:
        for element in sorted(batch, key=lambda element: element.version):
            known = self.versions.setdefault((element.type, element.id), [])
            if known or not element.deleted:  # nothing is known of what was deleted before it was ever there
                known.append(element)

    def world(self, time: int) -> list[Element]:
        """The elements that are there, sorted by type and id."""
        found = {}
        for key, versions in self.versions.items():
            valid = [element for element in versions if element.timestamp <= time]
            if valid and not valid[-1].deleted:
                found[key] = valid[-1]
        order = ("node", "way", "relation")
        return [found[key] for key in sorted(found, key=lambda key: (order.index(key[0]), key[1]))]

    def is_complete(self, time: int) -> bool:
        """Whether nothing there refers to an element that only comes later: before its time it has a place already."""
        for element in self.world(time):
            refs = [("node", ref) for ref in element.refs] + [(kind, ref) for kind, ref, _ in element.members]
            if any(self.versions.get(ref) and self.versions[ref][0].timestamp > time for ref in refs):
                return False
        return True

    def times(self) -> list[int]:
        """All at which something changes."""
        return sorted({element.timestamp for versions in self.versions.values() for element in versions})


@st.composite
def histories(draw: st.DrawFn, most_changes: int = 30) -> tuple[list[Element], list[list[Element]]]:
    """A start without deleted elements, and batches of changes in the order of time."""
    start = {}
    for element in draw(st.lists(elements(), min_size=5, max_size=25)):
        start[element.type, element.id] = _known(element)._replace(deleted=False, timestamp=START, version=1)
    versions = dict.fromkeys(start, 1)
    time, batches = START, list[list[Element]]([[]])
    for element in draw(st.lists(elements(), min_size=1, max_size=most_changes)):
        time += draw(st.sampled_from([0, 1, 1, 2, 60]))
        key = element.type, element.id
        versions[key] = versions.get(key, 0) + draw(st.sampled_from([1, 1, 1, 3]))
        batches[-1].append(_known(element)._replace(version=versions[key], timestamp=time))
        if draw(st.integers(0, 3)) == 0:
            batches.append([])
    return list(start.values()), [draw(st.permutations(batch)) for batch in batches if batch]


def _known(element: Element) -> Element:
    """By a user that is known."""
    return element if element.uid else element._replace(uid=4, user="user 4")
