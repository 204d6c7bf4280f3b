"""A small map held in memory, what happens to it, and how both are written as OSM files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

KINDS = ("node", "way", "relation")
_WHITE_SPACE = {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}


@dataclass(frozen=True, slots=True)
class Version:
    """Metadata of an element; `user` belongs to `uid`."""

    number: int = 1
    timestamp: str = "2020-01-01T00:00:00Z"
    changeset: int = 1
    uid: int = 1
    user: str = "u"

    def xml(self) -> str:
        return (
            f'version="{self.number}" timestamp="{self.timestamp}" changeset="{self.changeset}" uid="{self.uid}" '
            f"user={_attribute(self.user)}"
        )


@dataclass(frozen=True, slots=True)
class Member:
    """Of a relation."""

    kind: str
    ref: int
    role: str


@dataclass(frozen=True, slots=True)
class Element:
    """A node has a position, a way refs, a relation members."""

    kind: str
    id: int
    lat_e7: int = 0
    lon_e7: int = 0
    refs: tuple[int, ...] = ()
    members: tuple[Member, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    version: Version = Version()
    deleted: bool = False

    @property
    def key(self) -> tuple[int, int]:
        return KINDS.index(self.kind), self.id

    def xml(self) -> str:
        place = f' lat="{degrees(self.lat_e7)}" lon="{degrees(self.lon_e7)}"' if self.kind == "node" else ""
        parts = [f'<{self.kind} id="{self.id}"{place} {self.version.xml()}>']
        parts += [f'<nd ref="{ref}"/>' for ref in self.refs]
        parts += [f'<member type="{m.kind}" ref="{m.ref}" role={_attribute(m.role)}/>' for m in self.members]
        parts += [f"<tag k={_attribute(key)} v={_attribute(value)}/>" for key, value in self.tags]
        return "".join([*parts, f"</{self.kind}>"])


@dataclass(frozen=True, slots=True)
class Change:
    """New versions and deletions, and what the data is as of afterwards."""

    timestamp: str
    elements: tuple[Element, ...]

    def xml(self) -> str:
        parts = ['<osmChange version="0.6">']
        for element in sorted(self.elements, key=lambda element: element.key):
            action = "delete" if element.deleted else "modify"
            parts.append(f"<{action}>{element.xml()}</{action}>")
        return "\n".join([*parts, "</osmChange>\n"])


@dataclass(frozen=True, slots=True)
class DataSet:
    """Elements by type and id, what happens to them, and how much of that a database is to store: "data", "meta" or
    "attic". `areas`: whether areas are made in the end."""

    elements: tuple[Element, ...]
    level: str = "meta"
    changes: tuple[Change, ...] = ()
    areas: bool = False
    index: dict[tuple[str, int], Element] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        """The index has the latest version of all that has ever been there."""
        for element in self.versions():
            if not element.deleted:
                self.index[element.kind, element.id] = element

    def versions(self) -> Iterator[Element]:
        yield from self.elements
        for change in self.changes:
            yield from change.elements

    def known(self) -> list[Element]:
        return list(self.index.values())

    def current(self) -> list[Element]:
        """What is there after all changes."""
        current = {element.key: element for element in self.versions()}
        return [element for element in current.values() if not element.deleted]

    def of(self, kind: str) -> list[Element]:
        return [element for element in self.index.values() if element.kind == kind]

    def xml(self) -> str:
        ordered = sorted(self.elements, key=lambda element: element.key)
        return "\n".join(['<osm version="0.6">', *(element.xml() for element in ordered), "</osm>\n"])

    def text(self) -> str:
        """All files, one after the other."""
        return "".join([self.xml(), *(f"as of {change.timestamp}:\n{change.xml()}" for change in self.changes)])

    # --- what queries must know ------------------------------------------------------------------------------------

    @property
    def way_nodes_missing(self) -> bool:
        return any(("node", ref) not in self.index for element in self.versions() for ref in element.refs)

    @property
    def members_missing(self) -> bool:
        return any((m.kind, m.ref) not in self.index for m in self._members() if m.kind != "relation")

    @property
    def history(self) -> bool:
        """Something has happened, and it is known what was before."""
        return self.level == "attic" and bool(self.changes)

    @property
    def plain(self) -> bool:
        """No text has a character that stands for something in HTML, or looks like an address."""
        texts = [text for element in self.versions() for tag in element.tags for text in tag]
        texts += [member.role for element in self.versions() for member in element.members]
        return not any(char in text for text in texts for char in "<>&\"'\t\n\r") and not any(
            "www." in t for t in texts
        )

    @property
    def wide(self) -> bool:
        """A place near a node may be far from most others, or near to very many longitudes."""
        nodes = self.of("node")
        return any(
            max(sides) - min(sides) > 10**7 or max(map(abs, sides)) > limit_e7
            for sides, limit_e7 in (
                ([node.lat_e7 for node in nodes], 89 * 10**7),
                ([node.lon_e7 for node in nodes], 180 * 10**7),
            )
        )

    @property
    def roles(self) -> list[str]:
        """That a member has: beside a set, the reference overlooks any other."""
        return sorted({member.role for relation in self.of("relation") for member in relation.members})

    @property
    def emptied(self) -> bool:
        """A relation has lost all of its members."""
        had_members = {element.key for element in self.elements if element.members}
        changed = [element for change in self.changes for element in change.elements if element.kind == "relation"]
        had_members |= {element.key for element in changed if element.members}
        return any(not element.members and element.key in had_members for element in changed)

    @property
    def standing(self) -> bool:
        """A way, or a segment of one, has no extent."""
        places = {element.id: (element.lat_e7, element.lon_e7) for element in self.of("node")}
        ways = [[places.get(ref) for ref in element.refs] for element in self.versions() if element.kind == "way"]
        return any(here == there for line in ways for here, there in zip(line, line[1:] or line, strict=False))

    @property
    def polar(self) -> bool:
        """A place near a node may be so near to a pole that it surrounds it."""
        return any(abs(node.lat_e7) > 899 * 10**6 for node in self.of("node"))

    @property
    def sides_e7(self) -> set[tuple[str, int]]:
        """All latitudes and longitudes that a node ever has: lat or lon, and where that is, in e-7 degrees."""
        nodes = [version for version in self.versions() if version.kind == "node"]
        return {("lat", node.lat_e7) for node in nodes} | {("lon", node.lon_e7) for node in nodes}

    @property
    def vast(self) -> bool:
        """A way may reach over more than a tenth of the world."""
        nodes = self.of("node")
        lats, lons = [node.lat_e7 for node in nodes], [node.lon_e7 for node in nodes]
        return any(max(sides) - min(sides) > 25 * 10**7 for sides in (lats, lons) if sides)

    @property
    def placeless(self) -> bool:
        """A relation has members, but no place of its own: to the reference it is everywhere."""
        return any(
            relation.members and all(member.kind == "relation" for member in relation.members)
            for relation in self.versions()
        )

    def _members(self) -> Iterator[Member]:
        for element in self.versions():
            yield from element.members


def degrees(value_e7: int) -> str:
    sign = "-" if value_e7 < 0 else ""
    return f"{sign}{abs(value_e7) // 10**7}.{abs(value_e7) % 10**7:07d}"


def _attribute(text: str) -> str:
    return quoteattr(text, _WHITE_SPACE)
