"""A small map held in memory, and how it is written as an OSM file."""

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
class DataSet:
    """Elements by type and id, and how much of them a database is to store: "data", "meta" or "attic"."""

    elements: tuple[Element, ...]
    level: str = "meta"
    index: dict[tuple[str, int], Element] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        self.index.update({(element.kind, element.id): element for element in self.elements})

    def of(self, kind: str) -> list[Element]:
        return [element for element in self.elements if element.kind == kind]

    def xml(self) -> str:
        ordered = sorted(self.elements, key=lambda element: element.key)
        return "\n".join(['<osm version="0.6">', *(element.xml() for element in ordered), "</osm>\n"])

    # --- what queries must know ------------------------------------------------------------------------------------

    @property
    def way_nodes_missing(self) -> bool:
        return any(("node", ref) not in self.index for way in self.of("way") for ref in way.refs)

    @property
    def members_missing(self) -> bool:
        return any((m.kind, m.ref) not in self.index for m in self._members() if m.kind != "relation")

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

    def _members(self) -> Iterator[Member]:
        for relation in self.of("relation"):
            yield from relation.members


def degrees(value_e7: int) -> str:
    sign = "-" if value_e7 < 0 else ""
    return f"{sign}{abs(value_e7) // 10**7}.{abs(value_e7) % 10**7:07d}"


def _attribute(text: str) -> str:
    return quoteattr(text, _WHITE_SPACE)
