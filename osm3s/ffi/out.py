"""Printing rows of elements through the native core (native/out_rows.c, native/out_order.c)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from osm3s.ffi import check, ffi, lib
from osm3s.ffi.element_set import ElementSet
from osm3s.ffi.sink import Sink

ROWS_OF_TEXT = 4096
"""So many elements at a time are few enough to keep their text in memory."""

FORMATS = {"xml": lib.OSM3S_XML, "json": lib.OSM3S_JSON, "csv": lib.OSM3S_CSV}

_DETAILS = {
    "ids_only": 0,
    "skeleton": lib.OSM3S_OUT_COORDS | lib.OSM3S_OUT_REFS,
    "tags": lib.OSM3S_OUT_TAGS,
    "body": lib.OSM3S_OUT_COORDS | lib.OSM3S_OUT_REFS | lib.OSM3S_OUT_TAGS,
    "meta": lib.OSM3S_OUT_COORDS | lib.OSM3S_OUT_REFS | lib.OSM3S_OUT_TAGS | lib.OSM3S_OUT_META,
}
_GEOMETRIES = {
    "skeleton": lib.OSM3S_GEOMETRY_NONE,
    "full": lib.OSM3S_GEOMETRY_FULL,
    "bounds": lib.OSM3S_GEOMETRY_BOUNDS,
    "center": lib.OSM3S_GEOMETRY_CENTER,
}
_FIELDS = {
    "id": lib.OSM3S_FIELD_ID,
    "type": lib.OSM3S_FIELD_TYPE,
    "otype": lib.OSM3S_FIELD_OTYPE,
    "lat": lib.OSM3S_FIELD_LAT,
    "lon": lib.OSM3S_FIELD_LON,
    "version": lib.OSM3S_FIELD_VERSION,
    "timestamp": lib.OSM3S_FIELD_TIMESTAMP,
    "changeset": lib.OSM3S_FIELD_CHANGESET,
    "uid": lib.OSM3S_FIELD_UID,
    "user": lib.OSM3S_FIELD_USER,
}


Packed = bytes | memoryview


class Handle(Protocol):
    """A wrapper of something native; `handle` is the cffi pointer."""

    @property
    def handle(self) -> Any: ...


def handle_of(owner: Handle | None) -> Any:
    return ffi.NULL if owner is None else owner.handle


class Users:
    """The names of users by uid; an uid without name is not in it. `handle` is the `osm3s_users *`."""

    __slots__ = ("_kept", "handle")

    def __init__(self, uids: Packed, starts: Packed, names: Packed) -> None:
        """Take packed arrays: ascending int32 uids; one more uint32 offset into `names` than uids; UTF-8 bytes."""
        uid, start = ffi.from_buffer("int32_t[]", uids), ffi.from_buffer("uint32_t[]", starts)
        name = ffi.from_buffer("char[]", names)
        if len(start) != len(uid) + 1 or start[len(uid)] > len(name):
            raise ValueError("a table of users whose offsets do not fit")
        self.handle: Any = ffi.new("osm3s_users *", {"n": len(uid), "uid": uid, "start": start, "bytes": name})
        self._kept = (uid, start, name)

    @classmethod
    def of(cls, names: Mapping[int, str]) -> Users:
        order = sorted(names)
        raw = [names[uid].encode("utf-8", "surrogateescape") for uid in order]
        starts = [0]
        for name in raw:
            starts.append(starts[-1] + len(name))
        return cls(
            ffi.buffer(ffi.new("int32_t[]", order))[:],
            ffi.buffer(ffi.new("uint32_t[]", starts))[:],
            b"".join(raw),
        )


@dataclass(frozen=True, slots=True)
class Rows:
    """The elements of one type of a set, by id or in quadtile order, at most `limit`."""

    snapshot: Handle | None
    elements: Handle
    type_: int
    context: Handle | None = None
    quadtile: bool = False
    limit: int | None = None

    def ordered(self) -> tuple[int, Any]:
        """How many there are to print, and an `osm3s_row *` to the first one."""
        rows = self.elements.handle.of[self.type_]
        n: int = rows.n if self.limit is None else min(rows.n, self.limit)
        if not (n and self.quadtile):
            return n, rows.rows
        return n, quadtile_order(self.snapshot, self.context, rows, self.type_)


class RowPrinter:
    """Prints rows in one format with one choice of options."""

    __slots__ = ("_kept", "options")

    def __init__(
        self,
        format_: str,
        *,
        mode: str = "body",
        geometry: str = "skeleton",
        ids: bool = True,
        clip: tuple[float, float, float, float] | None = None,
        users: Users | None = None,
        members: Handle | None = None,
        fields: Sequence[tuple[str, bool]] = (),
        separator: str = "\t",
    ) -> None:
        """Mode and geometry as in the print element; `clip`: south, west, north, east in degrees; `users`: None if
        the database keeps no metadata; `members`: the set with the members of the relations, needed for any geometry;
        `fields`: (name, is special) of CSV."""
        options = ffi.new("osm3s_out_options *")
        options.format = FORMATS[format_]
        options.detail = _DETAILS[mode] | (lib.OSM3S_OUT_IDS if ids else 0)
        if users is None:
            options.detail &= ~lib.OSM3S_OUT_META
        options.geometry = _GEOMETRIES[geometry]
        if clip is not None:
            options.clipped = 1
            south, west, north, east = clip
            options.clip.south, options.clip.north = lib.osm3s_e7_of_lat(south), lib.osm3s_e7_of_lat(north)
            options.clip.west, options.clip.east = lib.osm3s_e7_of_lon(west), lib.osm3s_e7_of_lon(east)
        options.users = handle_of(users)
        options.members = handle_of(members)
        keys = [ffi.from_buffer("char[]", name.encode("utf-8", "surrogateescape")) for name, _ in fields]
        native_fields = ffi.new("osm3s_csv_field[]", len(keys))
        for field, key, (name, special) in zip(native_fields, keys, fields, strict=True):
            field.kind = _FIELDS.get(name, lib.OSM3S_FIELD_EMPTY) if special else lib.OSM3S_FIELD_TAG
            field.key, field.key_len = key, len(key)
        between = ffi.from_buffer("char[]", separator.encode("utf-8", "surrogateescape"))
        options.fields, options.n_fields = native_fields, len(keys)
        options.separator, options.separator_len = between, len(between)
        self.options: Any = options
        """The `osm3s_out_options *`."""
        self._kept = (users, members, keys, native_fields, between)

    def print(self, rows: Rows, sink: Sink) -> int:
        """Print the elements, at most `rows.limit`; return their number.

        Raises what the sink raises, QueryTimeout when the time is used up, CorruptError for damaged blocks.
        """
        n, ordered = rows.ordered()
        if n:
            self._print(rows, ordered, n, sink)
        return n

    def texts(self, rows: Rows) -> Iterator[bytes]:
        """What `print` prints, as texts of at most ROWS_OF_TEXT elements each."""
        n, ordered = rows.ordered()
        for start in range(0, n, ROWS_OF_TEXT):
            sink = Sink()
            self._print(rows, ordered + start, min(n - start, ROWS_OF_TEXT), sink)
            yield sink.data()

    def _print(self, rows: Rows, first: Any, n: int, sink: Sink) -> None:
        snapshot, context = handle_of(rows.snapshot), handle_of(rows.context)
        check(lib.osm3s_out_rows(snapshot, context, first, n, rows.type_, self.options, sink.handle))

    def round_centers(self) -> None:
        """Show centres as positions of the map from now on."""
        self.options.rounds_centers = True

    def print_areas(self, snapshot: Handle, rows: Sequence[Any], sink: Sink, context: Handle | None) -> None:
        """Print stored areas (each an `osm3s_row *`) of a snapshot of their domain; geometry is left out."""
        ordered = ffi.new("osm3s_row[]", [row[0] for row in rows])
        check(
            lib.osm3s_out_rows(
                snapshot.handle,
                handle_of(context),
                ordered,
                len(rows),
                lib.OSM3S_AREA,
                self.options,
                sink.handle,
            )
        )

    def each(self, snapshot: Handle | None, type_: int, sink: Sink, context: Handle | None) -> Callable[[Any], None]:
        """What prints a single element of a type (an `osm3s_row *`)."""
        print_rows, options, into = lib.osm3s_out_rows, self.options, sink.handle
        from_, limits = handle_of(snapshot), handle_of(context)

        def print_one(row: Any) -> None:
            check(print_rows(from_, limits, row, 1, type_, options, into))

        return print_one


def print_actions(
    snapshot: Handle,
    context: Handle | None,
    type_: int,
    results: Sequence[tuple[RowPrinter, ElementSet]],
    pairs: Any,
    n: int,
    beside: Mapping[int, str],
    sink: Sink,
) -> None:
    """Print what two results differ in, as actions in XML. `pairs`: n of them, `osm3s_pair[]`; `beside`, by number of
    pair: what is shown of the element that is not in the other result.

    Raises what the sink raises, QueryTimeout, CorruptError.
    """
    old, new = (ffi.new("osm3s_result *", (set_.rows(type_).rows, printer.options)) for printer, set_ in results)
    texts, kept = ffi.new("osm3s_bytes[]", n), []
    for number, text in beside.items():
        raw = ffi.from_buffer("uint8_t[]", text.encode("utf-8", "surrogateescape"))
        texts[number].data, texts[number].len = raw, len(raw)
        kept.append(raw)
    check(lib.osm3s_out_actions(snapshot.handle, handle_of(context), type_, old, new, pairs, texts, n, sink.handle))


def quadtile_order(snapshot: Handle | None, context: Handle | None, rows: Any, type_: int) -> Any:
    """The rows (an `osm3s_rows`) in quadtile order, then by id: a new `osm3s_row[]`."""
    ordered = ffi.new("osm3s_row[]", rows.n)
    check(lib.osm3s_order_quadtile(handle_of(snapshot), handle_of(context), ffi.addressof(rows), type_, ordered))
    return ordered
