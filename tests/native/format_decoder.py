"""The bytes of blocks, pages and checksums, read as native/FORMAT.md says, and in no hurry: an oracle for the core."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from struct import unpack_from
from typing import NamedTuple

NO_COORD = -(2**31)
COLUMNS = (
    *("id", "lat", "lon", "south", "west", "north", "east", "quad"),
    *("key_start", "key_pair", "value_start", "posting_start", "posting", "tag_start", "tag"),
    *("role_start", "body_start"),
)
MASK = 2**64 - 1


class Meta(NamedTuple):
    version: int = 0
    timestamp: int = 0
    changeset: int = 0
    uid: int = 0


class Decoded(NamedTuple):
    id: int
    position: tuple[int, int] | None = None
    """As stored, NO_COORD included."""
    box: tuple[int, int, int, int] | None = None
    quad: int = 0
    tags: tuple[tuple[bytes, bytes], ...] = ()
    nodes: tuple[tuple[int, int, int], ...] = ()
    """Of a way: id, lat, lon."""
    members: tuple[tuple[int, int, bytes], ...] = ()
    """Of a relation: type, id, role."""
    meta: Meta = Meta()


def signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) & 1 else number


def read_column(frame: bytes, descriptor: int, n: int) -> list[int]:
    base, offset, width = unpack_from("<QII", frame, descriptor)
    assert width <= 8
    assert offset + n * width + 8 <= len(frame), "eight bytes must follow a column"
    at = range(offset, offset + n * width, width) if width else [offset] * n
    return [(base + int.from_bytes(frame[i : i + width], "little")) & MASK for i in at]


def varints(data: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0
    assert shift == 0, "a number that does not end"


def unzigzag(number: int) -> int:
    return -(number + 1) // 2 if number & 1 else number // 2


WayNodes = tuple[tuple[int, int, int], ...]
Members = tuple[tuple[int, int, bytes], ...]


def decode_way(record: bytes, south: int, west: int, before: WayNodes | None = None) -> WayNodes:
    """`before`: of the version before, if the block is a part of an attic."""
    if before is not None and (record == b"" or record[0] == 1):
        return move_nodes(list(varints(record[1:])), before)
    if before is not None and record[0] == 0 and len(record) > 1:
        return splice_nodes(varints(record[1:]), before)
    first = next(varints_until(record, 0))
    n, gaps = first[0] >> 1, first[0] & 1
    at = first[1]
    missing = [False] * n
    if gaps:
        missing = [bool(record[at + i // 8] >> i % 8 & 1) for i in range(n)]
        at += (n + 7) // 8
    numbers = varints(record[at:])
    refs, ref = [], 0
    for _ in range(n):
        ref = signed((ref + unzigzag(next(numbers))) & MASK, 64)
        refs.append(ref)
    lat, lon = south, west
    nodes = []
    for i in range(n):
        if missing[i]:
            nodes.append((refs[i], NO_COORD, NO_COORD))
            continue
        lat += unzigzag(next(numbers))
        lon += unzigzag(next(numbers))
        nodes.append((refs[i], lat, lon))
    assert next(numbers, None) is None
    return tuple(nodes)


def varints_until(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Numbers and where each ends."""
    value = shift = 0
    for i in range(at, len(data)):
        value |= (data[i] & 127) << shift
        shift += 7
        if data[i] < 128:
            yield value, i + 1
            value = shift = 0


def move_nodes(numbers: list[int], before: WayNodes) -> WayNodes:
    nodes, at = list(before), 0
    assert len(numbers) == 3 * sum(numbers[:1]) + len(numbers[:1])
    for i in range(1, len(numbers), 3):
        at += numbers[i]
        ref, lat, lon = nodes[at]
        nodes[at] = ref, lat + unzigzag(numbers[i + 1]), lon + unzigzag(numbers[i + 2])
    return tuple(nodes)


def splice_nodes(numbers: Iterator[int], before: WayNodes) -> WayNodes:
    head, tail, n = next(numbers), next(numbers), next(numbers)
    inserted, ref, lat, lon = [], 0, 0, 0
    for _ in range(n):
        ref = signed((ref + unzigzag(next(numbers))) & MASK, 64)
        step = next(numbers)
        if step == 0:
            inserted.append((ref, NO_COORD, NO_COORD))
            continue
        lat, lon = lat + unzigzag(step - 1), lon + unzigzag(next(numbers))
        inserted.append((ref, lat, lon))
    assert next(numbers, None) is None
    return before[:head] + tuple(inserted) + before[len(before) - tail :]


def decode_relation(record: bytes, roles: list[bytes], before: Members | None = None) -> Members:
    if before is not None and record == b"":
        return before
    if before is not None and record[0] == 0 and len(record) > 1:
        return splice_members(varints(record[1:]), roles, before)
    numbers = varints(record)
    last = [0, 0, 0]
    members = []
    for _ in range(next(numbers)):
        head, delta = next(numbers), next(numbers)
        kind = head & 3
        last[kind] = signed((last[kind] + unzigzag(delta)) & MASK, 64)
        members.append((kind, last[kind], roles[head >> 2]))
    assert next(numbers, None) is None
    return tuple(members)


def splice_members(numbers: Iterator[int], roles: list[bytes], before: Members) -> Members:
    head, tail, n = next(numbers), next(numbers), next(numbers)
    inserted, ref = [], 0
    for _ in range(n):
        kind = next(numbers)
        ref = signed((ref + unzigzag(next(numbers))) & MASK, 64)
        inserted.append((kind & 3, ref, roles[kind >> 2]))
    assert next(numbers, None) is None
    return before[:head] + tuple(inserted) + before[len(before) - tail :]


def decode_meta(frame: bytes, n: int) -> list[Meta]:
    magic, n_here, n_triples, zero = unpack_from("<4I", frame)
    assert (magic, n_here, zero) == (0x314D334F, n, 0)
    versions, index = read_column(frame, 16, n), read_column(frame, 32, n)
    times, changesets, uids = (read_column(frame, 48 + 16 * i, n_triples) for i in range(3))
    return [
        Meta(version, times[i], changesets[i], signed(uids[i], 64)) for version, i in zip(versions, index, strict=True)
    ]


def decode_block(head: bytes, body: bytes, meta: bytes) -> tuple[int, list[Decoded]]:
    """The family and the elements of a block."""
    magic, family, n, n_keys, n_pairs, n_roles, strings, strings_len, columns, n_descriptors = unpack_from(
        "<IB3x8I", head
    )
    assert magic == 0x3142334F
    assert n_descriptors == columns.bit_count()
    assert len(head) % 8 == 0
    assert not any(head[strings + strings_len :])
    assert len(head) >= strings + strings_len + 8
    text = head[strings : strings + strings_len]
    there = [c for c in range(17) if columns >> c & 1]
    descriptors = {COLUMNS[c]: 40 + 16 * i for i, c in enumerate(there)}
    sizes = dict.fromkeys(COLUMNS[:8], n) | {
        "key_start": n_keys + 1,
        "key_pair": n_keys + 1,
        "value_start": n_pairs + 1,
        "posting_start": n_pairs + 1,
        "tag_start": n + 1,
        "role_start": n_roles + 1,
        "body_start": n + 1,
    }
    column = {name: read_column(head, descriptors[name], sizes[name]) for name in descriptors if name in sizes}
    if "posting" in descriptors:
        total = column["posting_start"][-1]
        column["posting"] = read_column(head, descriptors["posting"], total)
        column["tag"] = read_column(head, descriptors["tag"], total)

    def texts(name: str) -> list[bytes]:
        starts = column.get(name, [0])
        return [text[a:b] for a, b in pairwise(starts)]

    keys, values, roles = texts("key_start"), texts("value_start"), texts("role_start")
    assert keys == sorted(set(keys))
    pairs: list[tuple[bytes, bytes]] = []
    for k, key in enumerate(keys):
        pairs += [(key, values[p]) for p in range(column["key_pair"][k], column["key_pair"][k + 1])]
    assert pairs == sorted(set(pairs))
    metas = decode_meta(meta, n) if meta else [Meta()] * n
    elements = []
    for s in range(n):
        tags: tuple[tuple[bytes, bytes], ...] = ()
        if "tag" in column:
            tags = tuple(pairs[p] for p in column["tag"][column["tag_start"][s] : column["tag_start"][s + 1]])
        e = Decoded(column["id"][s], tags=tags, meta=metas[s])
        if "lat" in column:
            e = e._replace(position=(signed(column["lat"][s], 64), signed(column["lon"][s], 64)))
        if "south" in column:
            south, west, north, east = (signed(column[side][s], 64) for side in COLUMNS[3:7])
            record = body[column["body_start"][s] : column["body_start"][s + 1]]
            e = e._replace(box=(south, west, north, east) if south <= north else None)
            before = elements[-1] if elements and elements[-1].id == e.id else None
            if family == 2:
                e = e._replace(nodes=decode_way(record, south, west, before and before.nodes))
            else:
                members = decode_relation(record, roles, before and before.members)
                e = e._replace(members=members, quad=column["quad"][s])
        elements.append(e)
    if "posting" in column:
        listed = sorted(
            (p, slot)
            for p in range(n_pairs)
            for slot in column["posting"][column["posting_start"][p] : column["posting_start"][p + 1]]
        )
        assert listed == sorted((pairs.index(tag), s) for s, e in enumerate(elements) for tag in e.tags)
    return family, elements


def checksum(data: bytes) -> int:
    g = 0x9E3779B97F4A7C15
    lane = list(range(1, 9))
    full = len(data) // 64 * 64
    for at in range(0, full, 64):
        lane = [((lane[i] ^ w) * g + i) & MASK for i, w in enumerate(unpack_from("<8Q", data, at))]
    rest = data[full:].ljust(64, b"\0")
    lane = [((lane[i] ^ w) * g) & MASK for i, w in enumerate(unpack_from("<8Q", rest))]
    total = len(data) * g & MASK
    for word in lane:
        total = (total ^ word ^ word >> 32) * g & MASK
    return total ^ total >> 32


def order_key(lat: int, lon: int) -> int:
    """Of a node."""
    return 2**64 - 2**20 if lat == NO_COORD else morton(lat, lon) >> 20 << 20


def order_key_of_box(box: tuple[int, int, int, int] | None) -> int:
    if box is None:
        return 2**64 - 2**20
    south, west, north, east = box
    longer = max(north - south, east - west)
    level = (longer >= 2**17) + (longer >= 2**20) + (longer >= 2**23)
    centre = morton(south + (north - south) // 2, west + (east - west) // 2)
    return (level << 62 | centre >> 2) >> 20 << 20


def morton(lat: int, lon: int) -> int:
    y, x = lat + 910000000 & 0xFFFFFFFF, lon & 0xFFFFFFFF ^ 0x80000000
    return sum((y >> i & 1) << (2 * i + 1) | (x >> i & 1) << (2 * i) for i in range(32))


def decode_id_page(page: bytes) -> dict[int, int]:
    """id % 4096 -> block."""
    (n_blocks,) = unpack_from("<I", page)
    blocks = unpack_from(f"<{n_blocks}I", page, 4)
    kind, bits, count = unpack_from("<BBH", page, 4 + 4 * n_blocks)
    at = 8 + 4 * n_blocks
    ids = range(4096)
    if kind:
        ids = unpack_from(f"<{count}H", page, at)
        at += 2 * count
    packed = int.from_bytes(page[at:], "little")
    numbers = [(packed >> i * bits & (1 << bits) - 1) + kind for i in range(len(ids))]
    found = {i: blocks[number - 1] for i, number in zip(ids, numbers, strict=True) if number}
    assert len(found) == count
    return found


def decode_link_page(page: bytes) -> list[tuple[int, int]]:
    numbers = varints(page[4:])
    links: list[tuple[int, int]] = []
    for _ in range(unpack_from("<I", page)[0]):
        step, owner = next(numbers), next(numbers)
        member = links[-1][0] + step if links else step
        links.append((member, links[-1][1] + owner if links and step == 0 else owner))
    assert next(numbers, None) is None
    return links


def encode_varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def encode_tag_page(entries: dict[bytes, list[tuple[int, int]]]) -> bytes:
    """Entry -> (block, count), ascending."""
    page = b""
    for name in sorted(entries):
        value = encode_varint(sum(count for _, count in entries[name]))
        last = 0
        for block, count in entries[name]:
            value += encode_varint(block - last) + encode_varint(count)
            last = block
        page += encode_varint(len(name)) + name + encode_varint(len(value)) + value
    return page
