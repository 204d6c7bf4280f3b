"""Which way to the elements of a query is the cheapest, and what remains to be tested on the way.

Sources of candidates, the best first: explicit rows (ids, sets, recursion); blocks that the tag directory names; blocks
that meet the first spatial condition; all blocks. The order in which the user wrote the filters does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from osm3s.eval.changes import changed_ids
from osm3s.eval.derived_places import meets_box
from osm3s.eval.execution import Execution, require_history, require_metadata
from osm3s.eval.filters import FILTERS
from osm3s.eval.members_in_place import relations_in
from osm3s.eval.predicate import Predicate
from osm3s.eval.spatial import BBox, Spatial
from osm3s.eval.tag_filter import TagFilter
from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import NODE, RELATION, WAY, ElementSet
from osm3s.ql.tree import Element
from osm3s.storage.snapshot import FAMILIES_OF_TYPE, Snapshot
from osm3s.storage.versions import Versions

if TYPE_CHECKING:
    from osm3s.storage.areas import Areas, StoredArea

TAGGED_NODES = 1
FEW_BLOCKS = 48
"""With so few blocks left by a spatial condition, opening them is cheaper than asking the tag directory."""

Source = Callable[[int, ElementSet], None]
"""Adds the elements of a type that a filter allows."""
AreaSource = Callable[[], Sequence["StoredArea"]]
"""The stored areas that a filter allows."""


def _add_rows(rows: ElementSet, element_type: int, into: ElementSet) -> None:
    into.add(rows, (element_type,))


class QueryPlan:
    """Collects the filters of a query, then runs it."""

    def __init__(self, execution: Execution, snapshot: Snapshot | None = None) -> None:
        """`snapshot`: where the elements are, if not in that of the execution."""
        self.execution = execution
        self.snapshot = snapshot or execution.snapshot
        self.tags: list[TagFilter] = []
        self.spatial: list[Spatial] = []
        self.sources: list[Source] = []
        self.uids: set[int] | None = None
        self.newer_than = 0
        self._lacks_metadata = False
        """A filter needs metadata, and there is none."""
        self.changed: list[tuple[int, int]] = []
        self.closed_only = False
        """Of the ways, only closed ones are in question."""
        self.area_sources: list[AreaSource] = []
        self.conditions: list[Element] = []
        self.input_sets: list[str] = []

    # --- filters ----------------------------------------------------------------------------------------------------

    def add_filter(self, element: Element) -> None:
        FILTERS[element.name](self, element)

    def add_bbox(self, south: float, west: float, north: float, east: float) -> None:
        if south <= north:
            self.spatial.append(BBox(south, west, north, east))

    def require_users(self, uids: list[int]) -> None:
        require_metadata(self.execution.snapshot)
        self.uids = set(uids) if self.uids is None else self.uids & set(uids)

    def require_newer(self, timestamp: int) -> None:
        """Without metadata this fails if there is an element to be asked."""
        if self.execution.snapshot.has_meta:
            self.newer_than = max(self.newer_than, timestamp)
        else:
            self._lacks_metadata = True

    def require_changed(self, since: int, until: int) -> None:
        """Only elements that changed after `since` and up to `until`."""
        require_history(self.execution.snapshot)
        self.changed.append((since, until))

    def require_touched(self, uids: list[int]) -> None:
        """Only elements of which any version is by one of the users."""
        execution = self.execution
        require_history(execution.snapshot)

        def rows(element_type: int, into: ElementSet) -> None:
            found = Versions(execution.snapshot, execution.limits.handle, element_type).by(uids).ids()
            execution.snapshot.locate(found.rows(element_type), element_type)
            into.take(found, (element_type,))

        self.sources.append(rows)

    # --- running ----------------------------------------------------------------------------------------------------

    def run(self, types: tuple[int, ...]) -> ElementSet:
        """All elements of the types that satisfy all filters."""
        result = ElementSet()
        if self.uids is not None and not self.uids:
            return result
        for element_type in types:
            self._run_type(element_type, result)
        if self._lacks_metadata and any(result.counts()):
            require_metadata(self.execution.snapshot)
        return self._keep_true(result)

    def run_deriveds(self) -> ElementSet:
        """The derived objects that are in all given sets and boxes and satisfy the filters by tags and conditions."""
        result = ElementSet()
        if self.input_sets:
            first, *others = [self.execution.read(name) for name in self.input_sets]
            result.deriveds = first.deriveds
            for other in others:
                result.keep_deriveds_of(other)
            boxes = [place for place in self.spatial if isinstance(place, BBox)]  # others let all pass
            result.deriveds = [
                derived
                for derived in result.deriveds
                if all(tag.matches(derived.tags) for tag in self.tags)
                and all(meets_box(derived.geometry, box) for box in boxes)
            ]
        return self._keep_true(result)

    def _keep_true(self, result: ElementSet) -> ElementSet:
        if self.conditions:
            from osm3s.eval.filters.if_ import keep_true

            for condition in self.conditions:
                result = keep_true(self.execution, result, condition)
        return result

    def count(self, types: tuple[int, ...]) -> tuple[int, int, int]:
        """How many there are, per type."""
        counts = [0, 0, 0]
        for element_type in types:
            by_rows = self.sources or self.conditions or self.changed or self.uids == set() or self._lacks_metadata
            if by_rows or (element_type == RELATION and self.spatial):
                counts[element_type] = self.run((element_type,)).count(element_type)
            else:
                counts[element_type] = sum(self._count_family(f) for f in self._families(element_type))
        return counts[0], counts[1], counts[2]

    def _predicate(self) -> Predicate:
        return Predicate(
            self.tags,
            self.spatial,
            self.uids or set(),
            self.newer_than,
            closed_only=self.closed_only,
        )

    def _run_type(self, element_type: int, result: ElementSet) -> None:
        found = self._run_changed(element_type) if self.changed else self._candidates(element_type, self.sources)
        if element_type == RELATION and self.spatial:
            found = relations_in(self.execution, found, self.spatial)
        result.take(found, (element_type,))

    def _candidates(self, element_type: int, sources: list[Source]) -> ElementSet:
        """The elements that satisfy all conditions, but for relations and places."""
        found = ElementSet()
        if sources:
            self._run_rows(element_type, sources, found)
            return found
        for family in self._families(element_type):
            of_family = ElementSet()
            self._run_blocks(family, of_family.rows(element_type))
            found.take(of_family, (element_type,))
        return found

    def _run_changed(self, element_type: int) -> ElementSet:
        """Those of the candidates that changed in each interval."""
        sources = list(self.sources)
        for interval in self.changed:
            changed = changed_ids(self.execution, interval, (element_type,))
            self.execution.snapshot.locate(changed.rows(element_type), element_type)
            sources.append(partial(_add_rows, changed))
        return self._candidates(element_type, sources)

    def run_areas(self) -> ElementSet:
        """The areas and closed ways that satisfy all filters. Areas are not filtered by their places; those have no
        versions, so none satisfies a filter about them."""
        self.closed_only = True
        result = self.run((WAY,))
        stored = self.snapshot.areas
        if stored is not None and self.uids is None and not (self.newer_than or self._lacks_metadata or self.changed):
            found = ElementSet()
            found.areas = list(self._stored_areas(stored))
            result.areas = self._keep_true(found).areas
        return result

    def _stored_areas(self, stored: Areas) -> Sequence[StoredArea]:
        if not self.area_sources:
            if not self.tags:
                return stored.all()
            by_tags = QueryPlan(self.execution, stored.snapshot)
            by_tags.tags = self.tags
            found = by_tags.run((WAY,))
            return stored.of_rows(found.rows(WAY))
        first, *others = [source() for source in self.area_sources]
        allowed = [{area.id for area in other} for other in others]
        return self._with_tags(stored, [area for area in first if all(area.id in ids for ids in allowed)])

    def _with_tags(self, stored: Areas, areas: Sequence[StoredArea]) -> Sequence[StoredArea]:
        """Those of a set that satisfy the filters by tags."""
        if not (areas and self.tags):
            return areas
        if not all(area.is_stored for area in areas):
            return [area for area in areas if all(tag.matches_area(area.tags) for tag in self.tags)]
        by_tags, found = QueryPlan(self.execution, stored.snapshot), ElementSet()
        by_tags.tags = self.tags
        by_tags._filter_rows(ElementSet.of_rows(WAY, (area.row for area in areas)), WAY, by_tags._predicate(), found)
        passed = set(found.ids(WAY))
        return [area for area in areas if area.id in passed]

    # --- from rows --------------------------------------------------------------------------------------------------

    def _run_rows(self, element_type: int, sources: list[Source], result: ElementSet) -> None:
        candidates = ElementSet()
        for number, source in enumerate(sources):
            found = ElementSet()
            source(element_type, found)
            if number == 0:
                candidates = found
            else:
                candidates.intersect(found, (element_type,))
        self.execution.explanation.rows(element_type, candidates.count(element_type), len(sources))
        if not (self.tags or self.spatial or self._needs_meta or self.closed_only):
            result.take(candidates, (element_type,))
            return
        snapshot = self.snapshot
        with_meta = self._needs_meta
        if element_type == NODE and (self.tags or with_meta):
            snapshot.resolve_nodes(candidates, tagged_only=not with_meta)
        if with_meta:
            snapshot.attach_meta_of(candidates.rows(element_type))
        self._filter_rows(candidates, element_type, self._predicate(), result)

    def _filter_rows(self, rows: ElementSet, element_type: int, predicate: Predicate, into: ElementSet) -> None:
        check(
            lib.osm3s_query_rows(
                self.snapshot.handle,
                self.execution.limits.handle,
                rows.rows(element_type),
                predicate.c,
                into.rows(element_type),
            )
        )

    # --- from blocks ------------------------------------------------------------------------------------------------

    def _families(self, element_type: int) -> tuple[int, ...]:
        """The families to look at: untagged nodes satisfy no positive tag filter."""
        if element_type == NODE and any(not tag.negate for tag in self.tags):
            return (TAGGED_NODES,)
        return FAMILIES_OF_TYPE[element_type]

    def _run_blocks(self, family: int, rows: Any) -> None:
        blocks, n = self._candidate_blocks(family)
        self._query_blocks(blocks, n, rows)

    def _query_blocks(self, blocks: Any, n: int, rows: Any) -> int:
        execution, count = self.execution, ffi.new("uint64_t *")
        n = self._keep_newer(blocks, n)
        self.snapshot.attach_attic(blocks, n)
        if self._needs_meta:
            self.snapshot.attach_meta(blocks, n)
        predicate = self._predicate()
        check(
            lib.osm3s_query_blocks(self.snapshot.handle, execution.limits.handle, blocks, n, predicate.c, rows, count)
        )
        total: int = count[0]
        return total

    @property
    def _needs_meta(self) -> bool:
        return bool(self.uids or self.newer_than)

    def _keep_newer(self, blocks: Any, n: int) -> int:
        oldest, kept = self.newer_than, 0
        if oldest == 0:
            return n
        for i in range(n):
            if lib.osm3s_snapshot_entry(self.snapshot.handle, blocks[i]).newest >= oldest:
                blocks[kept] = blocks[i]
                kept += 1
        return kept

    def _candidate_blocks(self, family: int) -> tuple[Any, int]:
        """Numbers of the blocks that may hold results, ascending."""
        snapshot = self.snapshot
        blocks, n = ffi.new("uint32_t[]", snapshot.n_blocks(family) + 1), ffi.new("size_t *")
        boxes, n_boxes = self.spatial[0].boxes() if self.spatial else (ffi.NULL, 0)
        if self.spatial and n_boxes == 0:
            return blocks, 0
        check(lib.osm3s_select_blocks(snapshot.handle, family, boxes, n_boxes, blocks, n))
        way = "place" if self.spatial else "nothing, all are read"
        if n[0] <= FEW_BLOCKS:
            return self._explained(family, blocks, n[0], way)
        named = [tag for tag in self.tags if tag.names_key]
        for tag in named:
            found = tag.blocks(snapshot, family)
            if found is None:
                return self._explained(family, blocks, 0, "the tag directory: no such tag")
            check(lib.osm3s_intersect_blocks(snapshot.handle, max(0, family - 1), blocks, n, found.block_ids, found.n))
        if named:
            way = "the tag directory" + (" and place" if self.spatial else "")
        return self._explained(family, blocks, n[0], way)

    def _explained(self, family: int, blocks: Any, n: int, way: str) -> tuple[Any, int]:
        self.execution.explanation.blocks(family, n, self.snapshot.n_blocks(family), way)
        return blocks, n

    def _count_family(self, family: int) -> int:
        """Count without looking at elements where the tag directory knows the answer."""
        snapshot = self.snapshot
        other_conditions = self.spatial or self.uids or self.newer_than
        if len(self.tags) == 1 and self.tags[0].counts_exactly and not other_conditions:
            found = self.tags[0].blocks(snapshot, family)
            if found is None:
                return 0
            total, n = ffi.new("uint64_t *"), ffi.new("size_t *")
            changed = ffi.new("uint32_t[]", found.n + 1)
            check(
                lib.osm3s_count_unchanged(
                    snapshot.handle, max(0, family - 1), found.block_ids, found.counts, found.n, total, changed, n
                )
            )
            self.execution.explanation.counted(family, n[0])
            return int(total[0]) + (self._query_blocks(changed, n[0], ffi.NULL) if n[0] else 0)
        blocks, n_blocks = self._candidate_blocks(family)
        return self._query_blocks(blocks, n_blocks, ffi.NULL)
