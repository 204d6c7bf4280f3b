"""Tag filters, recursion, and counting of ways on small random blocks, against the same in plain Python."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from block_making import NODES, RELATIONS, TAGGED_NODES, WAYS, Blocks, build
from format_decoder import NO_COORD, Decoded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_sets import UNRESOLVED, Rows

from osm3s.ffi import check, ffi, lib
from osm3s.ffi.regex import Regex

SLOW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))

# --- tag filters ----------------------------------------------------------------------------------------------------

WORDS = ["", "a", "ab", "abc", "b", "é", "A"]
PATTERNS = ["a", "^a", "b$", ".", "", "^$", "[bé]", "x", "^(a|b)$", "A"]
TAGS = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)), max_size=4)


class Filter(NamedTuple):
    kind: str
    negate: bool
    key: str
    value: str
    key_pattern: str
    value_pattern: str
    ignore_case: bool

    def passes(self, tags: list[tuple[str, str]]) -> bool:
        flags = re.IGNORECASE if self.ignore_case else 0

        def matches(pattern: str, text: str) -> bool:
            return pattern == "." or re.search(pattern, text, flags) is not None

        tests: dict[str, Callable[[str, str], bool]] = {
            "has": lambda key, value: key == self.key,
            "equals": lambda key, value: (key, value) == (self.key, self.value),
            "matches": lambda key, value: key == self.key and matches(self.value_pattern, value),
            "key matches": lambda key, value: matches(self.key_pattern, key) and matches(self.value_pattern, value),
        }
        return any(tests[self.kind](key, value) for key, value in tags) != self.negate


KINDS = {
    "has": lib.OSM3S_TAG_HAS_KEY,
    "equals": lib.OSM3S_TAG_EQUALS,
    "matches": lib.OSM3S_TAG_MATCHES,
    "key matches": lib.OSM3S_TAG_KEY_MATCHES,
}
FILTERS = st.tuples(
    st.sampled_from(sorted(KINDS)),
    st.booleans(),
    st.sampled_from(WORDS),
    st.sampled_from(WORDS),
    st.sampled_from(PATTERNS),
    st.sampled_from(PATTERNS),
    st.booleans(),
).map(lambda f: Filter(*f))


def predicate(filters: list[Filter]) -> tuple[Any, list[Any]]:
    """A native predicate, and what must outlive it."""
    tags, keep = ffi.new("osm3s_tag_filter[]", len(filters) + 1), []
    for tag, f in zip(tags, filters, strict=False):
        texts = [ffi.from_buffer("char[]", text.encode()) for text in (f.key, f.value)]
        regexes = [Regex(p, f.ignore_case, 1).handle for p in (f.key_pattern, f.value_pattern)]
        tag.kind, tag.negate = KINDS[f.kind], f.negate
        tag.key, tag.key_len, tag.value, tag.value_len = texts[0], len(texts[0]), texts[1], len(texts[1])
        tag.key_regex, tag.value_regex = regexes
        keep += [*texts, *regexes]
    whole = ffi.new("osm3s_predicate *")
    whole.tags, whole.n_tags = tags, len(filters)
    return whole, [tags, *keep]


@given(st.lists(TAGS, max_size=80), st.lists(TAGS, max_size=5), st.data(), st.lists(FILTERS, min_size=1, max_size=3))
@SLOW
def test_tag_filters(
    tmp_path_factory: pytest.TempPathFactory,
    base: list[list[tuple[str, str]]],
    delta: list[list[tuple[str, str]]],
    data: st.DataObject,
    filters: list[Filter],
) -> None:
    lib.osm3s_set_locale()

    def nodes(tags: list[list[tuple[str, str]]], first: int) -> list[Decoded]:
        return [
            Decoded(first + i, position=(i, i), tags=tuple((k.encode(), v.encode()) for k, v in of_one))
            for i, of_one in enumerate(tags)
        ]

    dead = data.draw(st.sets(st.integers(0, len(base) - 1))) if base else set()
    blocks = Blocks(tmp_path_factory.mktemp("tags"))
    blocks.add(TAGGED_NODES, build(TAGGED_NODES, nodes(base, 1)), build(TAGGED_NODES, nodes(delta, 1000)), sorted(dead))
    snapshot = blocks.open()
    wanted = [i + 1 for i, tags in enumerate(base) if i not in dead and all(f.passes(tags) for f in filters)]
    wanted += [i + 1000 for i, tags in enumerate(delta) if all(f.passes(tags) for f in filters)]
    c, keep = predicate(filters)
    rows, count, context = Rows(), ffi.new("uint64_t *"), ffi.new("osm3s_context *")
    check(lib.osm3s_query_blocks(snapshot, context, [0], 1, c, rows.c, count))
    assert [element_id for element_id, _ in rows.items()] == wanted
    check(lib.osm3s_query_blocks(snapshot, context, [0], 1, c, ffi.NULL, count))
    assert count[0] == len(wanted)
    everything, none, passed = Rows(), predicate([]), Rows()
    check(lib.osm3s_query_blocks(snapshot, context, [0], 1, none[0], everything.c, count))
    check(lib.osm3s_query_rows(snapshot, context, everything.c, c, passed.c))
    assert [element_id for element_id, _ in passed.items()] == wanted
    del keep


# --- recursion ------------------------------------------------------------------------------------------------------

PLACES = {i: (i * 1000, -i * 1000) for i in range(1, 12)}
"""Nodes 1 ... 11 are there, 12 ... 14 are not."""
WAY_REFS = st.dictionaries(st.integers(1, 20), st.lists(st.integers(1, 14), max_size=6), max_size=10)
MEMBERS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 14), st.sampled_from([b"", b"outer", b"out"])), max_size=6
)
POSITIONS = st.lists(st.sampled_from([1, 2, 3, -1, -2]), max_size=2)


class World:
    """Ways and relations in two blocks each, the second half of the ways in the delta of the second block."""

    def __init__(
        self, folder: Any, ways: dict[int, list[int]], relations: dict[int, list[tuple[int, int, bytes]]]
    ) -> None:
        def way(way_id: int) -> Decoded:
            return Decoded(way_id, nodes=tuple((ref, *PLACES.get(ref, (NO_COORD, NO_COORD))) for ref in ways[way_id]))

        thirds = [[way(i) for i in sorted(ways) if i % 3 == k] for k in range(3)]
        blocks = Blocks(folder)
        blocks.add(WAYS, build(WAYS, thirds[0]))
        stale = [e._replace(nodes=((1, *PLACES[1]),)) for e in thirds[2]]
        base = sorted([*thirds[1], *stale], key=lambda e: e.id)
        dead = [slot for slot, e in enumerate(base) if e.id % 3 == 2]
        blocks.add(WAYS, build(WAYS, base), build(WAYS, thirds[2]), dead)
        blocks.add(RELATIONS, build(RELATIONS, [Decoded(i, members=tuple(m)) for i, m in relations.items()]))
        self.snapshot = blocks.open()
        self.context = ffi.new("osm3s_context *")
        self._blocks = blocks

    def all_of(self, family: int) -> Rows:
        rows, first = Rows(), lib.osm3s_snapshot_first_block(self.snapshot, family)
        blocks = list(range(first, first + lib.osm3s_snapshot_n_blocks(self.snapshot, family)))
        none, count = predicate([]), ffi.new("uint64_t *")
        check(lib.osm3s_query_blocks(self.snapshot, self.context, blocks, len(blocks), none[0], rows.c, count))
        return rows


def at_positions(refs: list[int], positions: list[int]) -> list[int]:
    if not positions:
        return refs
    wanted = {p - 1 if p > 0 else len(refs) + p for p in positions}
    return [ref for i, ref in enumerate(refs) if i in wanted]


def ids(rows: Rows) -> list[int]:
    return [element_id for element_id, _ in rows.items()]


@given(WAY_REFS, POSITIONS, st.sets(st.integers(1, 14)), st.booleans(), st.integers(0, 3), st.integers(0, 3))
@SLOW
def test_ways_and_their_nodes(
    tmp_path_factory: pytest.TempPathFactory,
    ways: dict[int, list[int]],
    positions: list[int],
    asked: set[int],
    links: bool,
    lower: int,
    more: int,
) -> None:
    world = World(tmp_path_factory.mktemp("world"), ways, {})
    snapshot, context, all_ways = world.snapshot, world.context, world.all_of(WAYS)
    assert ids(all_ways) == sorted(ways)
    nodes = Rows()
    check(lib.osm3s_nodes_of_ways(snapshot, context, all_ways.c, positions, len(positions), nodes.c))
    assert ids(nodes) == sorted({r for refs in ways.values() for r in at_positions(refs, positions) if r in PLACES})
    assert [(nodes.c.rows[i].lat, nodes.c.rows[i].lon) for i in range(nodes.c.n)] == [PLACES[i] for i in ids(nodes)]

    start, found = Rows(), Rows()
    for node in sorted(asked & set(PLACES)):
        check(lib.osm3s_rows_push(start.c, node, UNRESOLVED, 0, *PLACES[node]))
    check(lib.osm3s_ways_of_nodes(snapshot, context, [0, 1], 2, start.c, positions, len(positions), found.c))
    there = asked & set(PLACES)
    assert ids(found) == [w for w in sorted(ways) if there & set(at_positions(ways[w], positions))]

    counts: Counter[int] = Counter()
    for refs in ways.values():
        if links:
            for i, ref in enumerate(refs):
                counts[ref] += (i > 0) + (i + 1 < len(refs))
        else:
            counts.update(set(refs))
    by_count = Rows()
    check(lib.osm3s_nodes_by_way_count(snapshot, context, all_ways.c, links, lower, lower + more, by_count.c))
    used = {ref for refs in ways.values() for ref in refs}
    assert ids(by_count) == [n for n in sorted(used & set(PLACES)) if lower <= counts[n] <= lower + more]

    box = ffi.new("osm3s_bbox *")
    check(lib.osm3s_rows_bbox(snapshot, all_ways.c, 1, box))
    lats = [PLACES[ref][0] for ref in used & set(PLACES)]
    assert (box.south, box.north) == (min(lats), max(lats)) if lats else box.south > box.north


@given(
    st.dictionaries(st.integers(1, 9), MEMBERS, max_size=6),
    st.integers(0, 2),
    st.none() | st.sampled_from([b"", b"outer", b"x"]),
    st.lists(st.none() | st.sets(st.integers(1, 14)), min_size=3, max_size=3),
)
@SLOW
def test_relations_and_their_members(
    tmp_path_factory: pytest.TempPathFactory,
    relations: dict[int, list[tuple[int, int, bytes]]],
    kind: int,
    role: bytes | None,
    wanted: list[set[int] | None],
) -> None:
    world = World(tmp_path_factory.mktemp("world"), {}, relations)
    all_relations, found, owners = world.all_of(RELATIONS), Rows(), Rows()
    text = ffi.from_buffer("char[]", role) if role is not None else None
    native_role = ffi.new("osm3s_text *", [text, len(role)]) if role is not None and text is not None else ffi.NULL
    check(lib.osm3s_members_of(world.snapshot, world.context, all_relations.c, kind, native_role, found.c))
    members = [m for listed in relations.values() for m in listed if role is None or m[2] == role]
    assert ids(found) == sorted({ref for type_, ref, _ in members if type_ == kind})

    rows = [None if ids_ is None else Rows((i, UNRESOLVED) for i in ids_) for ids_ in wanted]
    lists = [ffi.NULL if r is None else r.c for r in rows]
    check(lib.osm3s_relations_with(world.snapshot, world.context, all_relations.c, *lists, native_role, owners.c))
    assert ids(owners) == [
        i
        for i in sorted(relations)
        if any(ref in (wanted[t] or ()) and (role is None or r == role) for t, ref, r in relations[i])
    ]


@given(st.dictionaries(st.integers(1, 50), st.tuples(st.integers(0, 3), st.booleans()), max_size=30), st.booleans())
@SLOW
def test_nodes_are_found_by_their_position(
    tmp_path_factory: pytest.TempPathFactory, world: dict[int, tuple[int, bool]], tagged_only: bool
) -> None:
    """Also when several blocks hold one place: here each block holds a few nodes, all of one cell."""
    blocks = Blocks(tmp_path_factory.mktemp("places"))
    key = lib.osm3s_morton_of_position(5_000_000, 5_000_000) & ~0xFFFFF
    for family in (NODES, TAGGED_NODES):
        for part in range(4):
            nodes = [
                Decoded(i, position=(5_000_000 + i, 5_000_000), tags=((b"k", b""),) if tagged else ())
                for i, (where, tagged) in world.items()
                if where == part and tagged == (family == TAGGED_NODES)
            ]
            blocks.add(family, build(family, nodes), order_key=key)
    snapshot, rows = blocks.open(), Rows()
    for i in sorted({*world, 51, 52}):
        check(lib.osm3s_rows_push(rows.c, i, UNRESOLVED, 0, 5_000_000 + i, 5_000_000))
    check(lib.osm3s_snapshot_resolve_nodes(snapshot, rows.c, tagged_only))
    for i, block in rows.items():
        if i not in world or (tagged_only and not world[i][1]):
            assert block == UNRESOLVED
        else:
            assert block == world[i][0] + (4 if world[i][1] else 0)
