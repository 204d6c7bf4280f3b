"""What native/row.c knows of rows, column by column, as Python lists. `rows` is an `osm3s_row *`, `n` their number.

Nodes must be resolved where tags or metadata matter, metadata must be attached. All functions raise CorruptError for
damaged blocks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from osm3s.ffi import check, ffi, lib

ROW_BYTES = 24
NUMBER_OF_TAGS, NUMBER_OF_REFS, IS_CLOSED = lib.OSM3S_NUMBER_OF_TAGS, lib.OSM3S_NUMBER_OF_REFS, lib.OSM3S_IS_CLOSED
VERSION, TIMESTAMP, CHANGESET, UID = lib.OSM3S_VERSION, lib.OSM3S_TIMESTAMP, lib.OSM3S_CHANGESET, lib.OSM3S_UID


class WayNodes(NamedTuple):
    """The nodes of way i are the items from start[i] to start[i + 1]; `lat_lon` has two numbers per item."""

    start: list[int]
    ref: list[int]
    lat_lon: list[float]


class Members(NamedTuple):
    """The members of relation i are the items from start[i] to start[i + 1]."""

    start: list[int]
    type: list[int]
    ref: list[int]
    role: list[str]


def ids(rows: Any, n: int) -> list[int]:
    if n == 0:
        return []
    return memoryview(ffi.buffer(rows, n * ROW_BYTES)).cast("Q")[::3].tolist()


def numbers(snapshot: Any, rows: Any, n: int, kind: int) -> list[int]:
    """One of the properties named above for each row."""
    out = ffi.new("int64_t[]", n)
    check(lib.osm3s_rows_numbers(snapshot, rows, n, kind, ffi.NULL, out))
    return ffi.unpack(out, n) if n else []


def has_key(snapshot: Any, rows: Any, n: int, key: str) -> list[int]:
    """1 for each row that has a tag with the key, else 0."""
    out = ffi.new("int64_t[]", n)
    text, kept = _text(key)
    check(lib.osm3s_rows_numbers(snapshot, rows, n, lib.OSM3S_HAS_KEY, text, out))
    del kept
    return ffi.unpack(out, n) if n else []


def lengths_m(snapshot: Any, rows: Any, n: int) -> list[float]:
    """Lengths of ways."""
    out = ffi.new("double[]", n)
    check(lib.osm3s_ways_lengths(snapshot, rows, n, out))
    return ffi.unpack(out, n) if n else []


def centers(snapshot: Any, rows: Any, n: int, element_type: int) -> list[float]:
    """Positions of nodes or centres of the bounds of ways: latitude and longitude in turn; NaN if not known."""
    out = ffi.new("double[]", 2 * n)
    check(lib.osm3s_rows_centers(snapshot, rows, n, element_type, out))
    return ffi.unpack(out, 2 * n) if n else []


def values(snapshot: Any, rows: Any, n: int, key: str) -> list[str]:
    """The value of a tag, or "", for each row."""
    lists = _lists()
    text, kept = _text(key)
    check(lib.osm3s_rows_values(snapshot, rows, n, text, lists))
    del kept
    return _texts_of(lists, lists.text, n)


def tags(snapshot: Any, rows: Any, n: int) -> list[list[tuple[str, str]]]:
    """The tags of each row, sorted by key."""
    lists = _lists()
    check(lib.osm3s_rows_tags(snapshot, rows, n, lists))
    texts, items = _texts(lists), lists.n_items
    if items == 0:
        return [[] for _ in range(n)]
    keys, of_keys = ffi.unpack(lists.text, items), ffi.unpack(lists.value, items)
    pairs = [(texts[key], texts[value]) for key, value in zip(keys, of_keys, strict=True)]
    start = ffi.unpack(lists.start, n + 1)
    return [pairs[start[i] : start[i + 1]] for i in range(n)]


def keys(snapshot: Any, rows: Any, n: int) -> set[str]:
    """All keys that occur."""
    lists = _lists()
    check(lib.osm3s_rows_tags(snapshot, rows, n, lists))
    texts = _texts(lists)
    return {texts[key] for key in set(ffi.unpack(lists.text, lists.n_items))} if lists.n_items else set()


def way_nodes(snapshot: Any, rows: Any, n: int) -> WayNodes:
    lists = _lists()
    check(lib.osm3s_ways_nodes(snapshot, rows, n, lists))
    items = lists.n_items
    start = ffi.unpack(lists.start, n + 1)
    if items == 0:
        return WayNodes(start, [], [])
    return WayNodes(start, ffi.unpack(lists.ref, items), ffi.unpack(lists.lat_lon, 2 * items))


def members(snapshot: Any, rows: Any, n: int) -> Members:
    lists = _lists()
    check(lib.osm3s_relations_members(snapshot, rows, n, lists))
    items = lists.n_items
    start = ffi.unpack(lists.start, n + 1)
    if items == 0:
        return Members(start, [], [], [])
    return Members(
        start, list(ffi.buffer(lists.type, items)[:]), ffi.unpack(lists.ref, items), _texts_of(lists, lists.text, items)
    )


def _lists() -> Any:
    lists = lib.osm3s_lists_new()
    if lists == ffi.NULL:
        raise MemoryError
    return ffi.gc(lists, lib.osm3s_lists_free)


def _text(text: str) -> tuple[Any, Any]:
    """A text for the core, and what keeps it alive."""
    data = text.encode("utf-8", "surrogateescape")
    buffer = ffi.from_buffer("char[]", data)
    return ffi.new("osm3s_text *", {"text": buffer, "len": len(data)}), (buffer, data)


def _texts(lists: Any) -> list[str]:
    n = lists.n_texts
    start = ffi.unpack(lists.text_start, n + 1)
    content = ffi.buffer(lists.bytes, start[n])[:]
    return [content[start[i] : start[i + 1]].decode("utf-8", "surrogateescape") for i in range(n)]


def _texts_of(lists: Any, numbers_of_texts: Any, n: int) -> list[str]:
    texts = _texts(lists)
    return [texts[number] for number in ffi.unpack(numbers_of_texts, n)] if n else []
