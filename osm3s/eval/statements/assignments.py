"""The assignments of make and convert: which tags, id and geometry a derived object gets."""

from __future__ import annotations

from osm3s.eval.batch import DerivedBatch, batches, prepare
from osm3s.eval.evaluators.preparation import (
    Column,
    GeometryColumn,
    Preparation,
    reads_meta,
    reads_tags,
)
from osm3s.eval.evaluators.values import integer
from osm3s.eval.execution import Execution
from osm3s.eval.items import Items
from osm3s.ffi import columns
from osm3s.output.derived import Derived, Geometry
from osm3s.ql.tree import Element

NewTags = list[list[tuple[str, str]]]


class Assignments:
    """The set-props of a statement, made ready."""

    def __init__(self, execution: Execution, element: Element) -> None:
        self._execution = execution
        self._type = element.get("type")
        self._id: Column | None = None
        self._geometry: GeometryColumn | None = None
        self._steps: list[_Single | _Generic] = []
        self._declared = frozenset(
            prop.get("k") for prop in element.children if prop.get("keytype") == "tag" and prop.get("k")
        )
        self.reads_tags = False
        self.reads_meta = False
        for prop in element.children:
            self._add(prop)

    def _add(self, prop: Element) -> None:
        value, keytype = prop.evaluator(), prop.get("keytype")
        if keytype == "generic" and prop.get("from"):
            for key in sorted(self._keys_of(prop.get("from")) - self._declared):
                self._execution.check_limits()
                preparation = Preparation(self._execution, key)
                self._steps.append(_Single(key, preparation.string_or_empty(value)))
            return
        if value is None:
            return
        self.reads_tags |= reads_tags(value) or keytype == "generic"
        self.reads_meta |= reads_meta(value)
        if keytype == "geometry":
            self._geometry = Preparation(self._execution).geometry(value)
            return
        assigned = prop.get("k") if keytype == "tag" else None
        column = Preparation(self._execution, assigned).string(value)
        if column is None:
            return
        if keytype == "id":
            self._id = column
        elif keytype == "generic":
            self._steps.append(_Generic(column, self._declared))
        elif assigned is not None:
            self._steps.append(_Single(assigned, column))

    def _keys_of(self, set_name: str) -> set[str]:
        """All keys of the elements of a set."""
        execution, found = self._execution, set[str]()
        set_ = execution.read(set_name)
        prepare(execution, set_, tags=True, meta=False)
        for batch in batches(execution, set_):
            if isinstance(batch, DerivedBatch):
                found.update(key for tags in batch.tags() for key, _ in tags)
            else:
                found |= columns.keys(execution.snapshot.handle, batch.rows, batch.n)
        return found

    def derive(self, items: Items) -> list[Derived]:
        """One object per item."""
        tags: NewTags = [[] for _ in range(items.n)]
        for step in self._steps:
            step.put(items, tags)
        ids = self._id(items) if self._id else items.constant("")
        geometries: list[Geometry | None] = self._geometry(items) if self._geometry else items.constant(None)
        return [
            Derived(self._type, self._id_of(id_), tags_, geometry)
            for id_, tags_, geometry in zip(ids, tags, geometries, strict=True)
        ]

    def _id_of(self, text: str) -> int:
        """Negative ids count down from 2^64; what is not a number gets the next free id."""
        value = integer(text)
        return self._execution.next_derived_id() if value is None else value % (1 << 64)


class _Single:
    """`key = ...`"""

    def __init__(self, key: str, column: Column) -> None:
        self._key = key
        self._column = column

    def put(self, items: Items, tags: NewTags) -> None:
        key = self._key
        keyed = Items(items.batch, items.owners, items.places, [key] * items.n)
        for of_item, value in zip(tags, self._column(keyed), strict=True):
            of_item.append((key, value))


class _Generic:
    """`:: = ...`: for every key of an element that is not assigned or removed by name."""

    def __init__(self, column: Column, declared: frozenset[str]) -> None:
        self._column = column
        self._declared = declared

    def put(self, items: Items, tags: NewTags) -> None:
        owners: list[int] = []
        keys: list[str] = []
        for owner, of_element in enumerate(items.batch.tags()):
            found = sorted({key for key, _ in of_element} - self._declared)
            keys += found
            owners += [owner] * len(found)
        values = self._column(Items(items.batch, owners, None, keys))
        for owner, key, value in zip(owners, keys, values, strict=True):
            tags[owner].append((key, value))
