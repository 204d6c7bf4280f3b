"""What evaluators are applied to: many items at a time, so that each step of an expression is one pass over a list."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Protocol, TypeVar

from osm3s.output.derived import Geometry

T = TypeVar("T")

Tags = list[tuple[str, str]]
MEMBER_TYPES = ("node", "way", "relation")


class MemberList(Protocol):
    """The members of one element, in order; of a way: its nodes."""

    types: list[int]
    refs: list[int]
    roles: list[str]


class Batch(Protocol):
    """Some elements of one type. Each method returns a list with one entry per element."""

    n: int
    is_way: bool

    def ids(self) -> list[str]: ...
    def types(self) -> list[str]: ...
    def tags(self) -> list[Tags]: ...
    def values(self, key: str) -> list[str]: ...
    def has_key(self, key: str) -> list[str]: ...
    def count_tags(self) -> list[str]: ...
    def count_members(self) -> list[str]: ...
    def metadata(self, name: str) -> list[str]: ...
    def is_closed(self) -> list[str]: ...
    def lengths(self) -> list[str]: ...
    def centers(self) -> list[tuple[str, str]]:
        """Latitude and longitude, as texts."""

    def members(self) -> list[MemberList | None]:
        """None for what can have no members."""

    def positions(self) -> list[list[tuple[float, float]] | None]:
        """The positions of the nodes of ways, NaN where not known; None for other elements."""

    def geometries(self) -> list[Geometry | None]: ...

    def numbers(self, name: str) -> Sequence[float] | None:
        """A property as numbers, before rounding; None if only its texts can be had."""


class Items:
    """The items of a batch: its elements, or with `owners` several items per element, as the members or keys of it.

    `owners[i]` is the element of item i, `places[i]` the number of the member (from 0), `keys[i]` the key of the tag
    that is being assigned.
    """

    __slots__ = ("_maps", "batch", "keys", "n", "owners", "places")

    def __init__(
        self,
        batch: Batch,
        owners: list[int] | None = None,
        places: list[int] | None = None,
        keys: list[str] | None = None,
    ) -> None:
        self.batch = batch
        self.owners = owners
        self.places = places
        self.keys = keys
        self.n = batch.n if owners is None else len(owners)
        self._maps: list[dict[str, str]] | None = None

    def spread(self, column: list[T]) -> list[T]:
        """A column of the batch as one of the items."""
        return column if self.owners is None else [column[owner] for owner in self.owners]

    def element_numbers(self) -> list[int]:
        return list(range(self.n)) if self.owners is None else self.owners

    def values_of(self, keys: list[str]) -> list[str]:
        """The value of a key of its own for each item."""
        if self._maps is None:
            self._maps = [dict(tags) for tags in self.batch.tags()]
        maps = self._maps
        return [maps[owner].get(key, "") for owner, key in zip(self.element_numbers(), keys, strict=True)]

    def constant(self, value: T) -> list[T]:
        return list(repeat(value, self.n))
