"""Damaged bytes: blocks, meta frames and pages are refused or read as something, and nothing crashes.

Checksums keep most damage from the decoders; here they are left out. Run under the sanitizers by sanitize.sh, too.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from struct import pack_into

import pytest
from block_making import Blocks, Made, build, check_bytes
from format_decoder import Decoded, Meta, encode_tag_page
from test_index_pages import update_ids, update_links
from test_sets import Rows

from osm3s.ffi import ffi, lib
from osm3s.ffi.regex import Regex
from osm3s.storage.directory import ENTRY_BYTES

ROUNDS = 2500
TAGS = ((b"highway", b"path"), (b"name", b"x"), (b"name", b"y"), (b"a", b""))
SPECIAL = (0, 1, 127, 128, 255)


def example(family: int) -> Made:
    elements = []
    for i in range(1, 9):
        e = Decoded(i * 1000, tags=TAGS[: i % 4 + 1] if family else (), meta=Meta(i, 1_600_000_000 + i, i // 2, i % 3))
        if family <= 1:
            e = e._replace(position=(i * 1000, -i))
        elif family == 2:
            e = e._replace(nodes=tuple((k * i, k, -k) if k % 5 else (k, -(2**31), -(2**31)) for k in range(i)))
        else:
            e = e._replace(box=(1, 2, 3, 4), quad=i, members=tuple((k % 3, k - 3, b"r%d" % k) for k in range(i)))
        elements.append(e)
    return build(family, elements)


def damaged(random: Random, data: bytes) -> bytes:
    bad = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        if not bad:
            break
        # headers and descriptors decide the most: half of the damage goes there
        at = random.randrange(len(bad) if random.random() < 0.5 else min(len(bad), 340))
        match random.randrange(4):
            case 0:
                bad[at] ^= 1 << random.randrange(8)
            case 1:
                bad[at] = random.choice(SPECIAL)
            case 2 if at + 4 <= len(bad):
                pack_into("<I", bad, at, random.choice((0, 1, 2**31, 2**32 - 1, len(data), len(data) - 8)))
            case _:
                bad[at : at + 8] = random.randbytes(len(bad[at : at + 8]))
    return bytes(bad)


@pytest.mark.parametrize("family", range(4))
def test_damaged_blocks(family: int) -> None:
    random, made = Random(family), example(family)
    assert check_bytes(made) == 0
    refused = 0
    for _ in range(ROUNDS):
        which = random.randrange(4)
        bad = made._replace(
            head=damaged(random, made.head) if which in (0, 1) else made.head,
            body=damaged(random, made.body) if which in (1, 2) else made.body,
            meta=damaged(random, made.meta) if which == 3 else made.meta,
        )
        code = check_bytes(bad)
        assert code in (0, lib.OSM3S_CORRUPT)
        refused += code != 0
    assert refused > ROUNDS / 5


@pytest.mark.parametrize("family", range(4))
def test_blocks_that_end_too_early(family: int) -> None:
    made = example(family)
    for length in range(len(made.head)):
        data = ffi.from_buffer(bytes(made.head[:length]))
        assert lib.osm3s_block_check(data, length, 0, ffi.NULL, 0) in (0, lib.OSM3S_CORRUPT)
    for length in range(1, len(made.meta)):
        assert check_bytes(made._replace(meta=made.meta[:length])) == lib.OSM3S_CORRUPT
    for length in range(len(made.body)):
        assert check_bytes(made._replace(body=made.body[:length])) == lib.OSM3S_CORRUPT


def test_damaged_entries_of_the_block_directory(tmp_path: Path) -> None:
    """Whatever the directory says, a snapshot does not read outside of its files."""
    random, refused = Random(1), 0
    blocks = Blocks(tmp_path)
    for family in range(4):
        blocks.add(family, example(family), example(family)._replace(meta=b""), dead=range(8))
    sound = b"".join(entries[0].pack() for entries in blocks.entries)
    blocks.open()
    context, count = ffi.new("osm3s_context *"), ffi.new("uint64_t *")
    nothing, length = ffi.new("osm3s_predicate *"), ffi.new("uint32_t *")
    for _ in range(ROUNDS // 3):
        page, rows = damaged(random, sound), Rows()
        snapshot = ffi.gc(lib.osm3s_snapshot_new(), lib.osm3s_snapshot_free)
        for file in range(5):
            assert lib.osm3s_snapshot_map(snapshot, file, str(tmp_path / f"{file}.bin").encode()) == 0
        for family in range(4):
            entry = page[family * ENTRY_BYTES : (family + 1) * ENTRY_BYTES]
            assert lib.osm3s_snapshot_add_directory(snapshot, family, entry, len(entry), False) == 0
        assert lib.osm3s_snapshot_seal(snapshot) == 0
        for block in range(4):
            lib.osm3s_snapshot_block_of_id(snapshot, max(0, block - 1), random.randrange(3))
            lib.osm3s_snapshot_meta_frame(snapshot, block, block % 2, length)
            lib.osm3s_query_blocks(snapshot, context, [block], 1, nothing, rows.c, count)
            code = lib.osm3s_snapshot_check_block(snapshot, block)
            assert code in (0, lib.OSM3S_CORRUPT)
            refused += code != 0
    assert refused > ROUNDS / 10


def test_noise_is_no_block() -> None:
    random = Random(0)
    for _ in range(ROUNDS):
        made = Made(random.randbytes(random.randrange(400)), b"", b"", 0, 0, (1, 0, 0, 0))
        assert check_bytes(made) == lib.OSM3S_CORRUPT


def read_ids(page: bytes) -> int:
    ids, blocks = ffi.new("uint64_t[]", list(range(4096))), ffi.new("uint32_t[4096]")
    out, length = ffi.new("uint8_t[65536]"), ffi.new("size_t *")
    lib.osm3s_id_page_update(page, len(page), ids, blocks, 3, out, 65536, length)
    return int(lib.osm3s_id_page_lookup(page, len(page), 0, ids, 4096, blocks))


def read_links(page: bytes) -> int:
    last, owners = ffi.new("uint64_t *"), ffi.gc(lib.osm3s_set_new(), lib.osm3s_set_free)
    rows, into = (ffi.addressof(owners.of, i) for i in range(2))
    for member in range(50):
        lib.osm3s_rows_push(rows, member, 0, 0, 0, 0)
    lib.osm3s_link_page_owners(page, len(page), rows, ffi.new("size_t *"), into)
    return int(lib.osm3s_link_page_last(page, len(page), last))


def read_tags(page: bytes) -> int:
    at, key, value = ffi.new("size_t *"), ffi.new("osm3s_bytes *"), ffi.new("osm3s_bytes *")
    total, n, ids, counts = ffi.new("uint64_t *"), ffi.new("size_t *"), ffi.new("uint32_t[9]"), ffi.new("uint32_t[9]")
    marks, regex = ffi.new("uint8_t[8]"), Regex(".", False, 1)
    lib.osm3s_tag_page_find(page, len(page), b"name\1y", 6, value)
    lib.osm3s_tag_page_mark_matching(page, len(page), b"a\1", 2, regex.handle, marks, 8)
    while (there := lib.osm3s_tag_page_next(page, len(page), at, key, value)) == 1:
        if lib.osm3s_tag_blocks(value.data, value.len, total, ids, counts, 9, n) < 0:
            there = lib.OSM3S_CORRUPT
    return int(there)


IDS_SPARSE = update_ids(b"", {i * 7: i % 5 for i in range(40)}, 0)
IDS_DENSE = update_ids(b"", {i: i % 300 for i in range(4096)}, 0)
LINKS = update_links(b"", [(i // 3, i * 1000, True) for i in range(100)])
TAG_PAGE = encode_tag_page({b"a\0": [(1, 2), (5, 3)], b"a\1x": [(1, 2)], b"name\0": [(7, 9000)], b"name\1y": [(0, 1)]})


@pytest.mark.parametrize(
    ("page", "read"),
    [(IDS_SPARSE, read_ids), (IDS_DENSE, read_ids), (LINKS, read_links), (TAG_PAGE, read_tags)],
    ids=["sparse ids", "dense ids", "links", "tags"],
)
def test_damaged_pages(page: bytes, read: object) -> None:
    assert callable(read)
    random = Random(len(page))
    assert read(page) == 0
    for _ in range(ROUNDS):
        bad = damaged(random, page)
        assert read(bad) in (0, lib.OSM3S_CORRUPT)
        assert read(bad[: random.randrange(len(bad) + 1)]) in (0, lib.OSM3S_CORRUPT)
