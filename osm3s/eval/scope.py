"""The named sets of a running script. Blocks have scopes of their own: what one does not have is looked for outside."""

from __future__ import annotations

from collections.abc import Iterator

from osm3s.ffi.element_set import ElementSet


class ComparedSets(ElementSet):
    """What differs between the runs of a difference, as `compare` makes it for `out`; nothing to other statements."""

    __slots__ = ("after", "before")

    def __init__(self, before: ElementSet, after: ElementSet) -> None:
        super().__init__()
        self.before = before
        self.after = after


class Scope:
    """Sets by name. Sets are shared between names and scopes, so they are replaced, never changed."""

    __slots__ = ("_groups", "_own", "outer", "time_s")

    def __init__(self, outer: Scope | None = None, time_s: int = 0) -> None:
        """`time_s`: what the elements of its sets are as of, in seconds since 1970; 0 for now."""
        self.outer = outer
        self.time_s = time_s
        self._own: dict[str, ElementSet] = {}
        self._groups: dict[str, str] = {}

    def get(self, name: str) -> ElementSet | None:
        """The set, here or outside; None if it was never written, or made by `compare`."""
        found = self._find(name)
        return None if isinstance(found, ComparedSets) else found

    def compared(self, name: str) -> ComparedSets | None:
        """What `compare` has made of a set, here or outside."""
        found = self._find(name)
        return found if isinstance(found, ComparedSets) else None

    def _find(self, name: str) -> ElementSet | None:
        return next((scope._own[name] for scope in self._outward() if name in scope._own), None)

    def time_of(self, name: str) -> int:
        """What the elements of a set are as of: the time in the scope that it was written in."""
        return next((scope.time_s for scope in self._outward() if name in scope._own), self.time_s)

    @property
    def of_one_time(self) -> bool:
        """Whether all sets here and outside are as of the same time."""
        return all(scope.time_s == self.time_s for scope in self._outward())

    def _outward(self) -> Iterator[Scope]:
        """This scope and those outside."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def own(self, name: str) -> ElementSet | None:
        """The set if it was written in this very scope, not by `compare`."""
        found = self._own.get(name)
        return None if isinstance(found, ComparedSets) else found

    def forget_compared(self, name: str) -> None:
        """From now on the set was never written here if `compare` has made it."""
        if isinstance(self._own.get(name), ComparedSets):
            del self._own[name]

    def __setitem__(self, name: str, set_: ElementSet) -> None:
        self._own[name] = set_
        self._groups.pop(name, None)

    def export(self, but: str | None = None) -> None:
        """Write all sets of this scope to the one outside, but for one. What `compare` makes stays inside."""
        assert self.outer is not None
        for name, set_ in self._own.items():
            if name != but and not isinstance(set_, ComparedSets):
                self.outer[name] = set_

    # --- groups of `for` --------------------------------------------------------------------------------------------

    def set_group(self, name: str, value: str) -> None:
        """Note what the elements of a set have in common, until the set is written again."""
        self._groups[name] = value

    def forget_group(self, name: str) -> None:
        self._groups.pop(name, None)

    def group(self, name: str) -> str:
        """What is noted for a set, or ""."""
        for scope in self._outward():
            if name in scope._groups:
                return scope._groups[name]
            if name in scope._own:
                return ""
        return ""

    def all_sets(self) -> Iterator[ElementSet]:
        """All sets of this scope and those outside, some of them more than once."""
        for scope in self._outward():
            yield from scope._own.values()
