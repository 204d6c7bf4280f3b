"""`verify` finds each kind of damage, says where it is, and is silent about sound databases."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgpack
import pytest
from damage import Index, flip

from osm3s.cli import verify
from osm3s.ffi import check, ffi, lib
from osm3s.paths import DatabaseDir
from osm3s.storage import changelog, index_keys, index_sum
from osm3s.storage.directory import DirectoryEntry, dead_list_bytes
from osm3s.storage.settings import DatabaseSettings
from osm3s.storage.version_times import VersionTimes
from osm3s.update.update_files import update_files

PROJECT = Path(__file__).resolve().parents[2]
NODES, TAGGED_NODES, WAYS, RELATIONS, DELTAS = range(5)


def problems(root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What verify prints of a broken database."""
    capsys.readouterr()
    status = verify.main([f"--db-dir={root}", "--most=0"])
    output = capsys.readouterr()
    assert status == 2, output.out
    return output.out + output.err


def test_a_sound_database(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main([f"--db-dir={database}"]) == 0
    assert "sound: 11998 nodes, 2499 ways, 39 relations" in capsys.readouterr().out


def test_an_index_that_was_cut_off(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """LMDB ends with SIGBUS who reads a page that is not there; `verify` says so in a sentence."""
    path = Path(DatabaseDir(str(database)).index)
    os.truncate(path, path.stat().st_size // 2)
    assert "osm_base.idx: damaged: the file is truncated" in problems(database, capsys)


def test_it_has_what_the_tests_damage(database: Path) -> None:
    index = Index(database)
    assert len(index.directory(WAYS)) > 1
    assert len(index.directory(TAGGED_NODES)) > 0
    assert sum(entry.delta_head_len > 0 for family in range(3) for entry in index.directory(family)) >= 3
    for kind in range(4):
        assert index.first(index_keys.link_prefix(kind))
    index.close()


@pytest.mark.parametrize("level", ["data", "meta"])
def test_a_real_extract_with_a_diff(
    shared_dir: Path, tmp_path: Path, level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    extract = shared_dir / "data" / "extracts" / "liechtenstein-2013.osm.pbf"
    diff = shared_dir / "data" / "diffs" / "liechtenstein-2013-000466354.osc.gz"
    update_files(str(tmp_path), [str(extract)], level, None, None)
    assert verify.main([f"--db-dir={tmp_path}"]) == 0, capsys.readouterr().out
    update_files(str(tmp_path), [str(diff)], None, None, None)
    assert verify.main([f"--db-dir={tmp_path}"]) == 0, capsys.readouterr().out


def test_an_empty_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.osm").write_text("<osm version='0.6'></osm>")
    update_files(str(tmp_path), [str(tmp_path / "empty.osm")], "meta", None, None)
    assert verify.main([f"--db-dir={tmp_path}"]) == 0
    assert "sound: 0 nodes" in capsys.readouterr().out


# --- frames ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", range(4))
@pytest.mark.parametrize("frame", ["head", "body", "meta"])
def test_a_flipped_byte_in_a_base(database: Path, family: int, frame: str, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    entry = index.directory(family)[-1]
    index.close()
    if frame == "body" and family <= TAGGED_NODES:
        assert entry.body_len == 0
        return
    start = {"head": 0, "body": entry.head_len, "meta": entry.head_len + entry.body_len}[frame]
    length = {"head": entry.head_len, "body": entry.body_len, "meta": entry.meta_len}[frame]
    for at in (0, length // 2, length - 1):
        flip(DatabaseDir(str(database)).block_file(family), entry.base_offset + start + at)
        found = problems(database, capsys)
        assert f"block {entry.id}: " in found
        assert f"the {frame} frame does not match its checksum" in found
        flip(DatabaseDir(str(database)).block_file(family), entry.base_offset + start + at)
    assert verify.main([f"--db-dir={database}"]) == 0


@pytest.mark.parametrize("part", ["dead", "head", "meta"])
def test_a_flipped_byte_in_a_delta(database: Path, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    entry = next(e for family in range(4) for e in index.directory(family) if e.n_dead and e.delta_meta_len)
    index.close()
    offset = entry.delta_offset
    if part != "dead":
        offset += dead_list_bytes(entry.n_dead) + (0 if part == "head" else entry.delta_head_len + entry.delta_body_len)
    flip(DatabaseDir(str(database)).block_file(DELTAS), offset)
    assert "frame does not match its checksum" in problems(database, capsys)


@pytest.mark.parametrize("file", range(5))
def test_a_truncated_file(database: Path, file: int, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(DatabaseDir(str(database)).block_file(file))
    os.truncate(path, path.stat().st_size - 4096 if path.stat().st_size > 8192 else 64)
    found = problems(database, capsys)
    assert f"{path.name}: " in found
    assert "the file is truncated" in found


def test_a_missing_file(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.unlink(DatabaseDir(str(database)).block_file(WAYS))
    assert "ways.bin: 0 bytes long" in problems(database, capsys)


# --- directory ------------------------------------------------------------------------------------------------------

Change = Callable[[list[DirectoryEntry]], list[DirectoryEntry]]


def _first(**fields: int) -> Change:
    return lambda entries: [entries[0]._replace(**fields), *entries[1:]]


@pytest.mark.parametrize(
    ("family", "change", "message"),
    [
        (WAYS, lambda entries: entries[::-1], "its key is smaller"),
        (WAYS, lambda entries: [entries[0], entries[0], *entries[1:]], "is there twice"),
        (WAYS, lambda entries: entries[:-1], "which the directory does not have"),
        (WAYS, _first(id=2**32 - 1), "a number that was never given out"),
        (WAYS, _first(id=77), "a number that was never given out"),
        (WAYS, _first(n=5), "a delta of block 0 kills slot 5 of 5"),
        (WAYS, _first(n=60000), "is not the one of the directory"),
        (WAYS, _first(base_offset=1), "is not at a multiple of 64"),
        (WAYS, _first(base_offset=2**40), "behind the part in use"),
        (WAYS, _first(newest=1), "is newer than its block says"),
        (WAYS, _first(south=0, north=1), "is outside of the box of its block"),
        (WAYS, _first(south=1, north=0), "is outside of the box of its block"),
        (
            WAYS,
            lambda e: [e[0], e[1]._replace(order_key=(e[1].order_key + e[2].order_key) // 2), *e[2:]],
            "outside of the key range",
        ),
        (WAYS, lambda e: [e[0], e[1]._replace(base_offset=e[0].base_offset + 64), *e[2:]], "overlaps"),
        (NODES, _first(n_delta=60000), "is not the one of the directory"),
        (NODES, _first(delta_head_len=0), "the numbers of a delta, but no delta"),
    ],
)
def test_a_wrong_directory(
    database: Path, family: int, change: Change, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    index = Index(database)
    index.change_entries(family, change)
    index.close()
    assert message in problems(database, capsys)


def test_free_space_that_is_in_use(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    free: list[list[int]] = [[], [], [64, 128, 0], [], []]
    index.put(index_keys.setting("free_extents"), msgpack.packb(free))
    index.close()
    assert "ways.bin: free space at offset 64 overlaps block" in problems(database, capsys)


# --- id map ---------------------------------------------------------------------------------------------------------


def _change_ids(index: Index, element_type: int, ids: dict[int, int]) -> None:
    page_number = next(iter(ids)) >> 12
    key = index_keys.id_page(element_type, page_number)
    page = index.entries.get(key, b"")
    out, length = ffi.new("uint8_t[65536]"), ffi.new("size_t *")
    check(lib.osm3s_id_page_update(page, len(page), list(ids), list(ids.values()), len(ids), out, 65536, length))
    index.put(key, bytes(ffi.buffer(out, length[0])))


@pytest.mark.parametrize(
    ("element_type", "ids", "messages"),
    [
        (1, {100: 2**32 - 1}, ["way 100 is not in the id map"]),
        (1, {4000: 0}, ["id map: way 4000 is in block 0, where it is not"]),
        (1, {4000: 99}, ["id map: way 4000 is in block 99, which the directory does not have"]),
        (0, {12: 3, 13: 2**32 - 1}, ["node 13 is not in the id map"]),
        (2, {5: 1}, ["relation 5 is in block 1, which the directory does not have"]),
    ],
)
def test_a_wrong_id_map(
    database: Path, element_type: int, ids: dict[int, int], messages: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    index = Index(database)
    _change_ids(index, element_type, ids)
    index.close()
    found = problems(database, capsys)
    for message in messages:
        assert message in found


def test_swapped_entries_of_the_id_map(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    page = index.entries[index_keys.id_page(1, 0)]
    ids, blocks = ffi.new("uint64_t[]", list(range(4096))), ffi.new("uint32_t[4096]")
    check(lib.osm3s_id_page_lookup(page, len(page), 0, ids, 4096, blocks))
    here = 1
    there = next(i for i in range(2, 2500) if blocks[i] != blocks[here])
    _change_ids(index, 1, {here: blocks[there], there: blocks[here]})
    index.close()
    found = problems(database, capsys)
    assert f"way {here} is in block {blocks[there]} by the id map" in found
    assert f"way {there} is in block {blocks[here]} by the id map" in found
    assert f"id map: way {here} is in block {blocks[there]}, where it is not" in found


# --- what is derived from other elements ----------------------------------------------------------------------------


def _swap_positions_of_nodes(database: Path) -> None:
    """Give the first base of nodes another latitude everywhere, with the right checksum."""
    index = Index(database)
    entry = index.directory(NODES)[0]
    with open(index.db.block_file(NODES), "r+b") as file:
        file.seek(entry.base_offset)
        head = bytearray(file.read(entry.head_len))
        base = int.from_bytes(head[56:64], "little") + 1  # of column 1, lat
        head[56:64] = base.to_bytes(8, "little")
        file.seek(entry.base_offset)
        file.write(head)
    total = lib.osm3s_checksum(bytes(head), len(head))
    index.change_entries(NODES, lambda e: [e[0]._replace(head_sum=total), *e[1:]])
    index.close()


def test_nodes_that_are_elsewhere_than_their_ways_say(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _swap_positions_of_nodes(database)
    found = problems(database, capsys)
    assert "(1e-7 degree), the node is at" in found
    assert "has a box that is not that of its members" in found


def _change_base(database: Path, family: int, column: int, by: int) -> None:
    """Add to all entries of a column of the first block."""
    index = Index(database)
    entry = index.directory(family)[0]
    with open(index.db.block_file(family), "r+b") as file:
        file.seek(entry.base_offset)
        head = bytearray(file.read(entry.head_len))
        columns = int.from_bytes(head[32:36], "little")
        at = 40 + 16 * (columns & (1 << column) - 1).bit_count()
        base = int.from_bytes(head[at : at + 8], "little") + by
        head[at : at + 8] = base.to_bytes(8, "little")
        file.seek(entry.base_offset)
        file.write(head)
    total = lib.osm3s_checksum(bytes(head), len(head))
    index.change_entries(family, lambda e: [e[0]._replace(head_sum=total), *e[1:]])
    index.close()


@pytest.mark.parametrize(
    ("family", "column", "message"),
    [
        (WAYS, 5, "has a box that is not that of its nodes"),
        (WAYS, 3, "has a box that is not that of its nodes"),
        (RELATIONS, 6, "has a box that is not that of its members"),
        (RELATIONS, 7, "has a quadtile that is not that of its members"),
        (WAYS, 9, "the dictionary"),
        (WAYS, 16, "record"),
        (NODES, 0, "by the id map"),
    ],
)
def test_wrong_columns(
    database: Path, family: int, column: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _change_base(database, family, column, 1)
    assert message in problems(database, capsys)


# --- links, tags, users, settings, changelog ------------------------------------------------------------------------


def _change_links(index: Index, kind: int, member: int, owner: int, added: bool) -> None:
    key = index.first(index_keys.link_prefix(kind))
    out, length = ffi.new("uint8_t **"), ffi.new("size_t *")
    page = index.entries[key]
    check(lib.osm3s_link_page_update(page, len(page), [member], [owner], [added], 1, out, length))
    index.put(key, bytes(ffi.buffer(out[0], length[0])))
    lib.osm3s_free(out[0])


@pytest.mark.parametrize(
    ("kind", "link", "added", "message"),
    [
        (0, (300, 10), False, "links: node 300 -> relation 10 is missing"),
        (0, (301, 10), True, "links: node 301 -> relation 10 is not in the data"),
        (1, (10, 10), False, "links: way 10 -> relation 10 is missing"),
        (2, (11, 10), False, "links: relation 11 -> relation 10 is missing"),
        (3, (20000, 500), False, "links: absent node 20000 -> way 500 is missing"),
        (3, (19999, 500), True, "links: absent node 19999 -> way 500 is not in the data"),
    ],
)
def test_wrong_links(
    database: Path, kind: int, link: tuple[int, int], added: bool, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    index = Index(database)
    _change_links(index, kind, *link, added)
    index.close()
    assert message in problems(database, capsys)


@pytest.mark.parametrize("prefix", [b"I\0", b"I\1", b"L\0", b"L\3", b"T\1", b"T\2"])
def test_a_missing_page(database: Path, prefix: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    index.put(index.first(prefix), None)
    index.close()
    words = {b"I": "is not in the id map", b"L": "is missing", b"T": "keys and tags"}
    assert words[prefix[:1]] in problems(database, capsys)


@pytest.mark.parametrize("prefix", [b"I\0", b"L\0", b"T\1"])
def test_a_page_cut_short(database: Path, prefix: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    key = index.first(prefix)
    index.put(key, index.entries[key][:-3])
    index.close()
    assert "damaged" in problems(database, capsys)


def test_a_wrong_count_in_the_tag_directory(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    key = index.first(b"T\2")
    page = bytearray(index.entries[key])
    assert page[1:9] == b"highway\0"
    page[-1] ^= 1
    index.put(key, bytes(page))
    index.close()
    found = problems(database, capsys)
    assert "tag directory, ways: the entry" in found
    assert "keys and tags" in found


def test_a_user_without_name(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    index.put(index_keys.user(2), None)
    index.close()
    assert problems(database, capsys).splitlines() == ["users: no name for uid 2"]


def test_wrong_numbers_in_the_settings(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(settings: DatabaseSettings) -> None:
        settings.n_elements[1] += 1

    index = Index(database)
    index.change_settings(change)
    index.close()
    assert problems(database, capsys).splitlines() == ["settings: 2500 ways, there are 2499"]


def test_a_damaged_changelog_and_strange_entries(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    key = index.first(index_keys.CHANGELOG)
    index.put(key, index.entries[key][:-5])
    index.put(index_keys.changelog(99), changelog.pack("", b""))
    index.put(index_keys.version_times(99), VersionTimes(5, 4, 3).pack())
    index.put(b"X?", b"")
    index.put(index_keys.setting("colour"), b"")
    index.close()
    found = problems(database, capsys)
    assert f"changelog: commit {int.from_bytes(key[1:], 'big')} is damaged" in found
    assert "changelog: commit 99, but there were only 3" in found
    assert "times of versions: those of commit 99 are not possible" in found
    assert "index: an entry of unknown kind: b'X?'" in found
    assert "settings: an unknown one: b'colour'" in found


# --- the program ----------------------------------------------------------------------------------------------------


def test_the_program(database: Path, tmp_path: Path) -> None:
    bin_verify = Path(__file__).resolve().parent.parent.parent / "bin" / "verify"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([bin_verify, *arguments], capture_output=True, text=True, check=False, timeout=60)

    assert sys.executable
    assert run(f"--db-dir={database}").returncode == 0
    assert "20 bytes" in run("--help").stdout
    assert run("--nonsense").returncode == 1
    nothing = run(f"--db-dir={tmp_path}")
    assert (nothing.returncode, "no database here" in nothing.stderr) == (2, True)


def test_only_so_many_lines(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    index.put(index.first(b"I\1"), None)
    index.close()
    assert verify.main([f"--db-dir={database}", "--most=7"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert lines[-1].startswith("... and ")


# --- the index as a whole -------------------------------------------------------------------------------------------

INDEX_IS_DAMAGED = "index: its entries do not match their common checksum"


def _write(database: Path, key: bytes, value: bytes) -> None:
    """Without bringing the sum up to date."""
    index = Index(database)
    index.put(key, value, with_sum=False)
    index.close()


@pytest.mark.parametrize("kind", ["B", "C", "I", "L", "S", "T", "U"])
def test_a_changed_byte_of_any_kind_of_entry(database: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    index.close()
    keys = sorted(key for key in index.entries if key.startswith(kind.encode()))
    for key in {keys[0], keys[len(keys) // 2], keys[-1]}:
        value = bytearray(index.entries[key])
        value[len(value) // 2] ^= 1
        _write(database, key, bytes(value))
        assert "index" in problems(database, capsys)
        _write(database, key, index.entries[key])
    assert verify.main([f"--db-dir={database}"]) == 0


def test_a_name_and_a_time_that_are_not_what_was_written(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else would tell."""
    index = Index(database)
    index.close()
    key, settings_key = index.first(index_keys.USERS), index_keys.setting("database")
    _write(database, key, index.entries[key] + b"x")
    assert problems(database, capsys).startswith(INDEX_IS_DAMAGED)
    _write(database, key, index.entries[key])
    settings = DatabaseSettings.unpack(index.entries[settings_key])
    settings.timestamp += "Z"
    _write(database, settings_key, settings.pack())
    assert problems(database, capsys).startswith(INDEX_IS_DAMAGED)


def test_a_key_that_is_too_long(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = Index(database)
    key = index.first(index_keys.ID_MAP)
    index.close()
    _write(database, key[:2] + b"x" + key[2:], index.entries[key])
    found = problems(database, capsys)
    assert found.startswith(INDEX_IS_DAMAGED) and "the index cannot be read: " in found


def test_the_sum_of_the_index_follows_the_commits(database: Path) -> None:
    """`database` has an import and a change behind it; the sum is that of the entries as they are."""
    index = Index(database)
    index.close()
    total = sum(index_sum.of_entry(key, value) for key, value in index.entries.items() if key != index_sum.KEY)
    assert index.entries[index_sum.KEY] == index_sum.pack(total)
    assert index.entries[index_keys.setting("last_merge")] != bytes(8)


READ_AGAIN_AND_AGAIN = """
import gc, sys, osm3s
database = osm3s.open(sys.argv[1])
for i in range(50):
    try:
        database.query("node(1);out;")
    except Exception as error:
        print(error)
    gc.collect()
"""


def test_a_damaged_directory_is_an_error_for_every_reader(database: Path) -> None:
    """And no more than that: it once ended the process when the garbage of the failed attempts was collected."""
    index = Index(database)
    key = index.first(index_keys.directory_prefix(NODES))
    index.put(key, index.entries[key][:-3])
    index.close()
    program = [sys.executable, "-c", READ_AGAIN_AND_AGAIN, str(database)]
    done = subprocess.run(program, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("a directory page of") == 50
