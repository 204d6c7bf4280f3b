"""A tiny PBF encoder, written from the format's description: makes files that no other writer makes."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

from osm3s.ffi.batch import Element

MEMBER_TYPES = {"node": 0, "way": 1, "relation": 2}


def varint(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF  # negative int64: two's complement
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def data(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def packed(field: int, values: Iterable[int]) -> bytes:
    return data(field, b"".join(map(varint, values)))


def deltas(values: Sequence[int]) -> list[int]:
    return [zigzag(b - a) for a, b in zip([0, *values], values, strict=False)]


class Strings:
    """The string table of a block; string 0 is empty."""

    def __init__(self) -> None:
        self.numbers = {"": 0}

    def number(self, text: str) -> int:
        """Of a text; a non-empty one never gets 0. An empty key or value gets a number of its own."""
        return self.numbers.setdefault(text or "\0empty", len(self.numbers))

    def table(self) -> bytes:
        texts = ["" if text == "\0empty" else text for text in self.numbers]
        return data(1, b"".join(data(1, text.encode()) for text in texts))


def info(e: Element, strings: Strings) -> bytes:
    user = strings.number(e.user) if e.user else 0
    fields = [number(1, e.version), number(2, e.timestamp), number(3, e.changeset), number(4, e.uid), number(5, user)]
    return data(4, b"".join([*fields, number(6, not e.deleted)]))


def plain(e: Element, strings: Strings) -> bytes:
    """A Node, Way or Relation message, with its field number in the group."""
    tags = packed(2, (strings.number(k) for k, _ in e.tags)) + packed(3, (strings.number(v) for _, v in e.tags))
    if e.type == "node":
        lat, lon = e.position or (2**31 - 1, 2**31 - 1)
        return data(
            1, number(1, zigzag(e.id)) + tags + info(e, strings) + number(8, zigzag(lat)) + number(9, zigzag(lon))
        )
    head = number(1, e.id) + tags + info(e, strings)
    if e.type == "way":
        return data(3, head + packed(8, deltas(e.refs)))
    roles = packed(8, (strings.number(role) if role else 0 for _, _, role in e.members))
    ids = packed(9, deltas([ref for _, ref, _ in e.members]))
    return data(4, head + roles + ids + packed(10, (MEMBER_TYPES[kind] for kind, _, _ in e.members)))


def dense(nodes: Sequence[Element], strings: Strings) -> bytes:
    positions = [e.position or (2**31 - 1, 2**31 - 1) for e in nodes]
    users = [strings.number(e.user) if e.user else 0 for e in nodes]
    keys_values: list[int] = []
    for e in nodes:
        keys_values += [strings.number(text) for tag in e.tags for text in tag]
        keys_values.append(0)
    meta = [
        packed(1, (e.version for e in nodes)),
        packed(2, deltas([e.timestamp for e in nodes])),
        packed(3, deltas([e.changeset for e in nodes])),
        packed(4, deltas([e.uid for e in nodes])),
        packed(5, deltas(users)),
        packed(6, (not e.deleted for e in nodes)),
    ]
    return data(
        2,
        packed(1, deltas([e.id for e in nodes]))
        + data(5, b"".join(meta))
        + packed(8, deltas([lat for lat, _ in positions]))
        + packed(9, deltas([lon for _, lon in positions]))
        + (packed(10, keys_values) if any(e.tags for e in nodes) else b""),
    )


def block(elements: Sequence[Element], use_dense: bool = True) -> bytes:
    """A PrimitiveBlock: one group per run of equal type."""
    strings, groups, run = Strings(), [], list[Element]()

    def close_run() -> None:
        if run and run[0].type == "node" and use_dense:
            groups.append(data(2, dense(run, strings)))
        elif run:
            groups.append(data(2, b"".join(plain(e, strings) for e in run)))
        run.clear()

    for e in elements:
        if run and run[0].type != e.type:
            close_run()
        run.append(e)
    close_run()
    return strings.table() + b"".join(groups)


def header(features: Iterable[str] = ("OsmSchema-V0.6", "DenseNodes"), more: bytes = b"") -> bytes:
    return b"".join(data(4, feature.encode()) for feature in features) + more


def blob(kind: str, content: bytes) -> bytes:
    """A blob with the header before it, compressed with zlib."""
    message = number(2, len(content)) + data(3, zlib.compress(content))
    head = data(1, kind.encode()) + number(3, len(message))
    return len(head).to_bytes(4, "big") + head + message


def pbf(blocks: Iterable[bytes], head: bytes | None = None) -> bytes:
    """A whole file."""
    return blob("OSMHeader", header() if head is None else head) + b"".join(blob("OSMData", b) for b in blocks)
