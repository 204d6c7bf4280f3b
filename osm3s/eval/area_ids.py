"""The ids of areas: those of the elements that they were made from, plus a number that tells the type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from osm3s.ql.tree import Element

AREA_WORDS = ("coord-query", "area-query", "map-to-area")


@dataclass(frozen=True, slots=True)
class AreaIds:
    """Ids of areas that were made from one type of elements; the first one is not used."""

    start: int
    end: int

    def elements(self, areas: Iterable[int]) -> list[int]:
        """The elements from which areas were made; areas made from other types are left out."""
        return [area - self.start for area in areas if self.start < area < self.end]

    def areas(self, elements: Iterable[int]) -> list[int]:
        return [element + self.start for element in elements if element + self.start < self.end]


WAY_AREAS = AreaIds(2_400_000_000, 3_600_000_000)
RELATION_AREAS = AreaIds(3_600_000_000, 1 << 63)


def uses_areas(script: Element) -> bool:
    """Whether a query has a word that reads areas: then its answer tells their age."""
    return any(
        element.name in AREA_WORDS or (element.name in ("query", "id-query") and element.get("type") == "area")
        for element in script.walk()
    )
