"""What an out statement asks for."""

from __future__ import annotations

from dataclasses import dataclass

from osm3s.ql.numbers import float_prefix, integer_prefix
from osm3s.ql.tree import Element

Box = tuple[float, float, float, float]
"""South, west, north, east in degrees; west > east spans the antimeridian."""


@dataclass(frozen=True, slots=True)
class PrintOptions:
    """The values are those of the print element's attributes."""

    mode: str = "body"
    geometry: str = "skeleton"
    order: str = "id"
    ids: bool = True
    limit: int | None = None
    """At most so many objects, counted over all types; None: all."""
    bbox: Box | None = None
    """Only what lies in it gets coordinates."""

    @classmethod
    def of(cls, element: Element) -> PrintOptions:
        """Read a print element that has passed the static checks."""
        limit = element.get("limit")
        sides = [element.get(side) for side in "swne"]
        return cls(
            mode=element.get("mode"),
            geometry=element.get("geometry"),
            order=element.get("order"),
            ids=element.get("ids") == "yes",
            limit=_limit(limit) if limit else None,
            bbox=_box(sides) if any(sides) else None,
        )

    @property
    def counts(self) -> bool:
        """Only the numbers of elements are asked for."""
        return self.mode == "count"

    @property
    def tags(self) -> bool:
        return self.mode in ("tags", "body", "meta", "count")

    @property
    def coordinates(self) -> bool:
        """Whether nodes show where they are."""
        return self.mode in ("skeleton", "body", "meta") or self.geometry != "skeleton"

    @property
    def meta(self) -> bool:
        return self.mode == "meta"

    @property
    def needs_members(self) -> bool:
        """Whether the node and way members of relations must be looked up before printing."""
        return self.geometry != "skeleton" and not self.counts

    @property
    def needs_only_bounds(self) -> bool:
        """Whether of relations no more of their geometry is printed than where they are."""
        return self.geometry in ("bounds", "center") and self.bbox is None

    @property
    def needs_blocks(self) -> bool:
        """Whether nodes must be resolved, because more than id and position is printed."""
        return self.tags and not self.counts


def _limit(text: str) -> int | None:
    n = integer_prefix(text)
    return n if n >= 0 else None


def _box(sides: list[str]) -> Box:
    south, west, north, east = (float_prefix(side) for side in sides)
    return south, west, north, east
