"""Augmented diffs as a server has published them, and worlds in which these changes happened."""

from __future__ import annotations

import lzma
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from xml.etree.ElementTree import Element

ORDER = {"node": 0, "way": 1, "relation": 2}
LONG_AGO = {"version": "1", "timestamp": "2001-01-01T00:00:00Z", "changeset": "1", "uid": "1", "user": "u"}
STRANGE_IDS = 10**13
"""Ids from here on are nobody's: of nodes of ways of which only the line is known."""

Key = tuple[str, int]
Action = tuple[str, Element | None, Element | None]
"""Its kind, what was, what is."""


def actions_in(text: bytes) -> dict[Key, Action]:
    """The actions of an augmented diff, by element."""
    found = {}
    for action in ElementTree.fromstring(text).iter("action"):
        old, new = (part[0] if (part := action.find(tag)) is not None else None for tag in ("old", "new"))
        new = action[0] if action.get("type") == "create" else new
        element = new if new is not None else old
        assert element is not None
        found[key_of(element)] = action.get("type", ""), old, new
    return found


def recorded(path: Path) -> dict[Key, Action]:
    return actions_in(lzma.decompress(path.read_bytes()))


def key_of(element: Element) -> Key:
    return element.tag, int(element.get("id", "0"))


class World:
    """What there must have been before some augmented diffs, as far as they tell, and the changes themselves."""

    def __init__(self, diffs: list[dict[Key, Action]]) -> None:
        self.before: dict[Key, Element] = {}
        """Every element of which the diffs say what it was, or what it consisted of."""
        self.changes: list[dict[Key, Element]] = []
        """Per diff: the new versions."""
        known: set[Key] = set()
        for diff in diffs:
            changes = {}
            for key, (_, old, new) in diff.items():
                if old is not None and key not in known:
                    self.before[key] = old
                known.add(key)
                assert new is not None
                if old is None or old.get("version") != new.get("version"):
                    changes[key] = new
            self.changes.append(changes)
        self._strange = STRANGE_IDS
        for diff in diffs:
            for _, old, new in diff.values():
                for element in (old, new):
                    self._add_parts([] if element is None else element, known)

    def _add_parts(self, element: Iterable[Element], known: set[Key]) -> None:
        """The nodes of a way, the members of a relation, if no diff has an action for them."""
        for part in element:
            if part.tag == "nd" or (part.tag == "member" and part.get("type") == "node"):
                self._add_node(int(part.get("ref", "0")), part, known)
            elif part.tag == "member" and part.get("type") == "way":
                self._add_line(int(part.get("ref", "0")), part, known)

    def _add_node(self, number: int, place: Element, known: set[Key]) -> None:
        if ("node", number) not in known and place.get("lat"):
            position = {"lat": place.get("lat", ""), "lon": place.get("lon", "")}
            self.before["node", number] = Element("node", {"id": str(number), **LONG_AGO, **position})

    def _add_line(self, number: int, line: Element, known: set[Key]) -> None:
        """A way of which only the positions are known."""
        if ("way", number) in known or ("way", number) in self.before or len(line) == 0:
            return
        way = self.before["way", number] = Element("way", {"id": str(number), **LONG_AGO})
        for place in line:
            self._strange += 1
            self._add_node(self._strange, place, known)
            ElementTree.SubElement(way, "nd", {"ref": str(self._strange)})

    def osm(self) -> bytes:
        return document("osm", [self.before[key] for key in sorted(self.before, key=in_order)])

    def osc(self, number: int) -> bytes:
        """The change file of one of the diffs."""
        blocks = []
        for key in sorted(self.changes[number], key=in_order):
            element = self.changes[number][key]
            block = Element("delete" if element.get("visible") == "false" else "modify")
            block.append(element)
            blocks.append(block)
        return document("osmChange", blocks)


def in_order(key: Key) -> tuple[int, int]:
    return ORDER[key[0]], key[1]


def document(name: str, children: list[Element]) -> bytes:
    root = Element(name, {"version": "0.6"})
    root.extend(deepcopy(children))
    for element in root.iter():
        if element.tag in ORDER:
            for part in [part for part in element if part.tag == "bounds"]:
                element.remove(part)
    return ElementTree.tostring(root)


def described(element: Element | None) -> Iterator[str]:
    """Everything about an element; the order of tags and attributes does not count."""
    if element is None:
        return
    yield f"{element.tag} {sorted(element.items())}"
    tags = [part for part in element if part.tag == "tag"]
    yield f"tags {sorted((tag.get('k'), tag.get('v')) for tag in tags)}"
    for part in element:
        if part.tag != "tag":
            yield f"{part.tag} {sorted(part.items())} {[(place.get('lat'), place.get('lon')) for place in part]}"
