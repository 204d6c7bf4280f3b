"""native/FORMAT.md speaks the truth: its example, its field tables and its page layouts are what the core writes."""

from __future__ import annotations

import re
from pathlib import Path
from struct import unpack_from

import pytest
from block_making import WAYS, box_of, build, expected
from format_decoder import NO_COORD, Decoded, Meta, checksum, decode_block, order_key_of_box

from osm3s.ffi import ffi
from osm3s.storage.directory import ENTRY_BYTES, DirectoryEntry

FORMAT = (Path(__file__).resolve().parent.parent.parent / "native" / "FORMAT.md").read_text()
EXAMPLE = FORMAT[FORMAT.index("## Example") :]

WAY = Decoded(
    7,
    tags=((b"highway", b"path"),),
    nodes=((10, 500000000, 80000000), (12, NO_COORD, NO_COORD), (11, 500000010, 79999998)),
    meta=Meta(2, 1600000000, 9, 5),
)


def frames() -> dict[str, bytes]:
    """The bytes that the document shows, by name of the frame; every line must stand where it says."""
    found: dict[str, bytes] = {}
    name = ""
    for line in EXAMPLE.splitlines():
        if line in ("head", "body", "meta"):
            name = line
            found[name] = b""
        elif row := re.match(r"([0-9a-f]{4})  ((?:[0-9a-f]{2} )+)", line):
            assert int(row[1], 16) == len(found[name]), line
            found[name] += bytes.fromhex(row[2])
    return found


def test_the_example_decodes_to_what_the_text_says() -> None:
    shown = frames()
    assert decode_block(shown["head"], shown["body"], shown["meta"]) == (WAYS, [expected(WAYS, WAY)])


def test_the_core_writes_the_example_byte_by_byte() -> None:
    shown = frames()
    made = build(WAYS, [WAY])
    assert (made.head, made.body, made.meta) == (shown["head"], shown["body"], shown["meta"])


def test_the_numbers_below_the_example() -> None:
    shown = frames()
    numbers = [int(number, 16) for number in re.findall(r"0x[0-9a-f]{12,16}", EXAMPLE)]
    assert numbers == [checksum(shown["head"]), checksum(shown["body"]), order_key_of_box(box_of(WAY.nodes))]


def test_the_table_of_the_block_directory() -> None:
    section = FORMAT[FORMAT.index("### Block directory") : FORMAT.index("### Id map")]
    sizes = {"u64": 8, "u32": 4, "4 i32": 16}
    fields: list[tuple[int, str]] = []
    end = 0
    for offsets, size, names in re.findall(r"^\| ([\d, ]+) \| (u64|u32|4 i32) \| ([\w, ]+?) \|", section, re.MULTILINE):
        places, words = [int(o) for o in offsets.split(",")], names.split(", ")
        assert len(places) == len(words), names
        for offset, word in zip(places, words, strict=True):
            assert offset == end, word
            end = offset + sizes[size]
            fields.append((offset, word))
    assert end == ENTRY_BYTES == ffi.sizeof("osm3s_dir_entry")
    for offset, word in fields:
        assert ffi.offsetof("osm3s_dir_entry", "bbox" if word == "box" else word) == offset, word
    values = {name: i + 1 for i, name in enumerate(DirectoryEntry._fields)}
    packed = DirectoryEntry(**values).pack()
    for offset, word in fields:
        assert unpack_from("<I", packed, offset)[0] == values["south" if word == "box" else word], word


def test_the_table_of_the_changelog() -> None:
    offsets = {"id": 0, "old_box": 8, "new_box": 24, "type": 40, "kind": 41, "n_begun": 42, "since": 44}
    for field, offset in offsets.items():
        assert ffi.offsetof("osm3s_changed", field) == offset
    assert ffi.sizeof("osm3s_changed") == 48


@pytest.mark.parametrize("word", ["O3B1", "O3M1", "O3S2"])
def test_magic_numbers(word: str) -> None:
    number = int.from_bytes(word.encode(), "little")
    assert f"{number:#010x} (`{word}`)" in FORMAT
