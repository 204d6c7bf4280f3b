"""Elements as they come from an input file: `Batch` owns one C batch (native/batch.c)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from osm3s.ffi import check, ffi, lib

TYPE_NAMES = ("node", "way", "relation")


class Element(NamedTuple):
    """One element of a batch as Python values, for tests and small tools."""

    type: str
    id: int
    position: tuple[int, int] | None
    """Latitude and longitude of a node in 1e-7 degree; None if not known."""
    version: int
    timestamp: int
    """Seconds since 1970; 0 if not known."""
    changeset: int
    uid: int
    user: str
    deleted: bool
    tags: list[tuple[str, str]]
    refs: list[int]
    """Node ids of a way."""
    members: list[tuple[str, int, str]]
    """Type, id and role of the members of a relation."""


class Batch:
    """Some thousand elements in document order. `c` is the `osm3s_batch *` for calls into the core."""

    __slots__ = ("c",)

    def __init__(self) -> None:
        batch = lib.osm3s_batch_new()
        if batch == ffi.NULL:
            check(lib.OSM3S_NOMEM)
        self.c: Any = ffi.gc(batch, lib.osm3s_batch_free)

    def __len__(self) -> int:
        n: int = self.c.n_elements
        return n

    def clear(self) -> None:
        lib.osm3s_batch_clear(self.c)

    @property
    def has_versions(self) -> bool:
        """Whether neighbouring elements are versions of the same object, as in a history file."""
        return bool(lib.osm3s_batch_has_versions(self.c))

    def string(self, number: int) -> str:
        start = self.c.string_start[number]
        raw: bytes = ffi.unpack(self.c.bytes + start, self.c.string_start[number + 1] - start) if number else b""
        return raw.decode("utf-8", "replace")

    def elements(self) -> Iterator[Element]:
        c, string = self.c, self.string
        for i in range(c.n_elements):
            e = c.elements[i]
            tags = [
                (string(c.tags[t].key), string(c.tags[t].value)) for t in range(e.tag_start, e.tag_start + e.n_tags)
            ]
            refs = range(e.ref_start, e.ref_start + e.n_refs)
            yield Element(
                type=TYPE_NAMES[e.type],
                id=e.id,
                position=(e.lat, e.lon) if e.type == lib.OSM3S_NODE and e.lat != lib.OSM3S_NO_COORD else None,
                version=e.meta.version,
                timestamp=e.meta.timestamp,
                changeset=e.meta.changeset,
                uid=e.meta.uid,
                user=string(e.user),
                deleted=bool(e.deleted),
                tags=tags,
                refs=[c.refs[r] for r in refs] if e.type == lib.OSM3S_WAY else [],
                members=[(TYPE_NAMES[c.ref_types[r]], c.refs[r], string(c.ref_roles[r])) for r in refs]
                if e.type == lib.OSM3S_RELATION
                else [],
            )
