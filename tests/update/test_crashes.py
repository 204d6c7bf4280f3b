"""Whatever kills a writer wherever: what is left becomes the old state or the new one, and the next writer works."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest
from database import Database, Stored
from osm_xml import change_file, osm_file
from programs import update_database

from osm3s.ffi.batch import Element
from osm3s.paths import DatabaseDir, readers_table
from osm3s.storage import commit
from osm3s.storage.index import READERS_TABLE_BYTES
from osm3s.storage.recovery import CLEAN, ROLLED_BACK, ROLLED_FORWARD, recover
from osm3s.update.update_files import update_files

NODES = [
    Element("node", i, (i * 1000, i * 500), 1, 10, 1, 1, "ann", False, [("n", str(i))], [], []) for i in range(1, 400)
]
WAYS = [Element("way", i, None, 1, 10, 1, 1, "ann", False, [("w", str(i))], [i, i + 1, 900], []) for i in range(1, 300)]
RELATIONS = [Element("relation", 1, None, 1, 10, 1, 1, "ann", False, [], [], [("way", 3, ""), ("node", 7, "x")])]
START = osm_file([*NODES, *WAYS, *RELATIONS])
CHANGES = change_file(
    [node._replace(position=(7, 7), version=2, tags=[("moved", "yes")]) for node in NODES[:200]]
    + [Element("node", 900, (1, 1), 1, 20, 2, 2, "bob", False, [], [], []), WAYS[5]._replace(deleted=True, version=2)]
)

BEFORE_RENAME = [*(f"import_before_sync_{family}" for family in range(4)), "import_before_index_sync"]
BEFORE_RENAME += ["import_before_rename", "import_before_index_rename"]
OLD = ["after_extents", "before_shadow_complete"]
NEW = [
    "before_sync",
    "after_shadow_sync",
    "before_merge",
    "in_merge",
    "after_merge",
    "after_mirrors",
    "after_shadow_removed",
]
OUTCOMES = {"before_shadow_complete": ROLLED_BACK} | dict.fromkeys(NEW[:4], ROLLED_FORWARD)


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Stored], list[Stored]]:
    """The dumps before and after the changes."""
    root = tmp_path_factory.mktemp("states") / "db"
    assert update_database(root, START, "--meta").returncode == 0
    before = Database(root).dump()
    assert update_database(root, CHANGES).returncode == 0
    after = Database(root).dump()
    assert before != after
    return before, after


@pytest.mark.parametrize("failpoint", BEFORE_RENAME)
def test_an_import_that_is_killed_leaves_nothing(
    tmp_path: Path, failpoint: str, states: tuple[list[Stored], list[Stored]]
) -> None:
    root = tmp_path / "db"
    assert update_database(root, START, "--meta", failpoint=failpoint).returncode == -signal.SIGKILL
    assert not Path(DatabaseDir(str(root)).index).exists()
    assert update_database(root, START, "--meta").returncode == 0
    assert not Path(DatabaseDir(str(root)).import_dir).exists()
    assert Database(root).dump() == states[0]


def test_an_import_that_is_killed_after_the_rename_is_done(
    tmp_path: Path, states: tuple[list[Stored], list[Stored]]
) -> None:
    root = tmp_path / "db"
    killed = update_database(root, START, "--meta", failpoint="import_after_index_rename")
    assert killed.returncode == -signal.SIGKILL
    assert Database(root).dump() == states[0]
    assert update_database(root, CHANGES).returncode == 0
    assert Database(root).dump() == states[1]


@pytest.mark.parametrize("failpoint", OLD + NEW)
def test_a_commit_that_is_killed_is_undone_or_made_whole(
    tmp_path: Path, failpoint: str, states: tuple[list[Stored], list[Stored]]
) -> None:
    root = tmp_path / "db"
    update_database(root, START, "--meta")
    killed = update_database(root, CHANGES, "--version=later", failpoint=failpoint)
    assert killed.returncode == -signal.SIGKILL
    assert recover(str(root)) == OUTCOMES.get(failpoint, CLEAN)
    assert recover(str(root)) == CLEAN
    database = Database(root)
    database.check()
    assert database.dump() == states[failpoint in NEW]
    if failpoint in NEW:
        assert Path(DatabaseDir(str(root)).version).read_text() == "later\n"
    assert update_database(root, CHANGES).returncode == 0
    database = Database(root)
    database.check()
    assert database.dump() == states[1]


@pytest.mark.parametrize("failpoint", OLD + NEW)
def test_a_compaction_that_is_killed_changes_no_element(tmp_path: Path, failpoint: str) -> None:
    """The long list of dead nodes is left to the compaction: a transaction of its own behind the commit."""
    root = tmp_path / "db"
    nodes = [Element("node", i, (i * 100, i * 50), 1, 10, 1, 1, "ann", False, [], [], []) for i in range(1, 3000)]
    update_database(root, osm_file(nodes), "--meta", "--areas=none")
    gone = change_file([node._replace(deleted=True, version=2) for node in nodes[:2900]])
    assert update_database(root, gone, failpoint=f"{failpoint}:2").returncode == -signal.SIGKILL
    recover(str(root))
    database = Database(root)
    database.check()
    assert [stored.element.id for stored in database.dump()] == [node.id for node in nodes[2900:]]


def test_a_killed_recovery_is_taken_up_by_the_next(
    tmp_path: Path, states: tuple[list[Stored], list[Stored]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "db"
    update_database(root, START, "--meta")
    update_database(root, CHANGES, failpoint="before_merge")
    assert update_database(root, CHANGES, failpoint="in_merge").returncode == -signal.SIGKILL
    assert recover(str(root)) == ROLLED_FORWARD
    assert Database(root).dump() == states[1]


@pytest.mark.parametrize("content", [b"", b"O3S", b"\0" * 4096, b"O3S2" + b"\xff" * 30])
def test_a_torn_shadow_is_discarded(tmp_path: Path, content: bytes, states: tuple[list[Stored], list[Stored]]) -> None:
    root = tmp_path / "db"
    update_database(root, START, "--meta")
    Path(DatabaseDir(str(root)).shadow).write_bytes(content)
    assert recover(str(root)) == ROLLED_BACK
    assert recover(str(root)) == CLEAN
    assert Database(root).dump() == states[0]


@pytest.mark.parametrize("arrived", [b"", b"\0" * (1 << 20)])
def test_a_shadow_whose_extents_are_not_on_the_disk_is_discarded(
    tmp_path: Path, arrived: bytes, states: tuple[list[Stored], list[Stored]]
) -> None:
    """As after a power failure before the sync was done: the kernel writes files in any order."""
    root = tmp_path / "db"
    update_database(root, START, "--meta")
    tagged_nodes = Path(DatabaseDir(str(root)).block_file(1))
    before = tagged_nodes.read_bytes()
    update_database(root, CHANGES, failpoint="before_sync")
    written = tagged_nodes.stat().st_size - len(before)
    assert written > 0
    tagged_nodes.write_bytes(before + arrived[:written])
    assert recover(str(root)) == ROLLED_BACK
    assert Database(root).dump() == states[0]


def test_a_shadow_cut_anywhere_is_discarded(tmp_path: Path, states: tuple[list[Stored], list[Stored]]) -> None:
    root = tmp_path / "db"
    update_database(root, START, "--meta")
    update_database(root, CHANGES, failpoint="before_merge")
    shadow = Path(DatabaseDir(str(root)).shadow)
    whole = shadow.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        shadow.write_bytes(whole[:length])
        assert recover(str(root)) == ROLLED_BACK
    shadow.write_bytes(b"O3S1" + whole[4:])  # of another format
    assert recover(str(root)) == ROLLED_BACK
    shadow.write_bytes(whole)
    assert recover(str(root)) == ROLLED_FORWARD
    assert Database(root).dump() == states[1]


def test_a_full_map_is_enlarged(
    tmp_path: Path, states: tuple[list[Stored], list[Stored]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "db"
    (tmp_path / "start.osm").write_bytes(START)
    (tmp_path / "changes.osc").write_bytes(CHANGES)
    update_files(str(root), [str(tmp_path / "start.osm")], "meta", None, None)
    merge, sizes = commit.merge, []

    def into_a_small_map(env, db, changes):  # type: ignore[no-untyped-def]
        env.set_mapsize(Path(db.index).stat().st_size)
        number = merge(env, db, changes)
        sizes.append(env.info()["map_size"])
        return number

    monkeypatch.setattr(commit, "merge", into_a_small_map)
    update_files(str(root), [str(tmp_path / "changes.osc")], None, None, None)
    assert sizes
    assert Database(root).dump() == states[1]


ROUNDING_BYTES = 6 * 64
"""Each file may end at the end of its last unit."""


def block_bytes(root: Path) -> int:
    return sum(file.stat().st_size for file in root.glob("*.bin"))


def test_what_a_killed_writer_has_written_does_not_stay(
    tmp_path: Path, states: tuple[list[Stored], list[Stored]]
) -> None:
    root = tmp_path / "db"
    update_database(root, START, "--meta")
    before = block_bytes(root)
    many = change_file(
        Element("node", i, (i, i), 1, 20, 2, 2, "bob", False, [("n", str(i))], [], []) for i in range(1000, 20_000)
    )
    assert update_database(root, many, failpoint="after_extents").returncode == -signal.SIGKILL
    left = block_bytes(root)
    assert left > before + 50_000
    assert update_database(root, CHANGES).returncode == 0
    assert block_bytes(root) < (before + left) // 2
    database = Database(root)
    database.check()
    assert database.dump() == states[1]


@pytest.mark.parametrize("spare_bytes", [0, 2_000, 20_000, 60_000])
def test_a_full_disk_changes_nothing(
    tmp_path: Path, spare_bytes: int, states: tuple[list[Stored], list[Stored]]
) -> None:
    """No file may become larger than the largest one there is, plus a little."""
    root = tmp_path / "db"
    update_database(root, START, "--meta")
    moved = change_file(
        Element("node", i, (i, i), 1, 20, 2, 2, "bob", False, [("new", f"a value of some length {i * i}")], [], [])
        for i in range(1000, 12_000)
    )
    before = block_bytes(root)
    limit = max(file.stat().st_size for file in root.iterdir()) + spare_bytes

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    failed = update_database(root, moved, before=limited)
    assert failed.returncode == 2, failed.stderr
    assert failed.stderr.count(b"\n") == 1
    assert b"nothing was changed" in failed.stderr
    assert block_bytes(root) < before + ROUNDING_BYTES, "what was written must not go on filling the disk"
    database = Database(root)
    database.check()
    assert database.dump() == states[0]
    assert update_database(root, CHANGES).returncode == 0
    assert Database(root).dump() == states[1]


def test_a_full_disk_leaves_no_import_behind(tmp_path: Path, states: tuple[list[Stored], list[Stored]]) -> None:
    root = tmp_path / "db"

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    failed = update_database(root, START, "--meta", before=limited)
    assert failed.returncode == 2, failed.stderr
    assert failed.stderr.count(b"\n") == 1
    assert not Path(DatabaseDir(str(root)).import_dir).exists()
    assert update_database(root, START, "--meta").returncode == 0
    assert Database(root).dump() == states[0]


def test_a_disk_that_gets_full_while_the_index_of_an_import_is_written(tmp_path: Path) -> None:
    """Of a few elements with many tags the index is the largest file: it alone meets the limit."""
    root = tmp_path / "db"
    many = [(f"key {i}", f"a value of some length {i * i}") for i in range(3000)]
    start = osm_file([Element("node", 1, (1, 1), 1, 10, 1, 1, "ann", False, many, [], [])])
    update_database(root, start)
    sizes = {file.name: file.stat().st_size for file in root.iterdir()}
    index_bytes = sizes.pop("osm_base.idx")
    assert index_bytes > max(sizes.values())
    other = tmp_path / "other"

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (index_bytes - 1, index_bytes - 1))

    failed = update_database(other, start, before=limited)
    assert failed.returncode == 2, failed.stderr
    assert failed.stderr.count(b"\n") == 1
    assert b"osm_base.idx: cannot write: " in failed.stderr
    assert not other.exists()


def test_a_full_disk_has_room_for_every_reader(tmp_path: Path) -> None:
    """LMDB maps its table of readers: a hole in the file, filled on a full disk, would end the process."""
    root = tmp_path / "db"
    update_database(root, START)
    for index in (DatabaseDir(str(root)), DatabaseDir(str(root)).areas):
        table = Path(readers_table(index.index)).stat()
        assert table.st_blocks * 512 >= table.st_size == READERS_TABLE_BYTES
