"""Blocks of areas whose deltas have grown large are made anew, in a commit of its own; whatever kills that, no area
changes, and the next update works."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from killed_process import killed
from outlines import follow, stored, update
from test_area_crashes import IN_RECOVERY, NEW, OLD, OUTCOMES, ROLLED
from update.osm_xml import change_file, osm_file
from update.programs import run, update_database
from update.small_worlds import World, changed

from osm3s import failpoint as failpoint_module
from osm3s.areas import generator
from osm3s.areas.writing import RULES as BY_RULES
from osm3s.areas.writing import AreaChange, write, writing_areas
from osm3s.cli import verify
from osm3s.errors import DispatcherError, StorageError
from osm3s.ffi import lib
from osm3s.ffi.batch import Element
from osm3s.paths import AREAS
from osm3s.storage.areas import open_areas
from osm3s.storage.recovery import CLEAN, recover
from osm3s.update import compact as compact_module

WAYS_FAMILY = 2
N = 200
NODES = [
    Element("node", i, (i * 7919 % 100_003, i * 104_729 % 100_019), 1, 0, 0, 0, "", False, [], [], [])
    for i in range(1, 2 * N + 1)
]
WAYS = [Element("way", i, None, 1, 0, 0, 0, "", False, [], [2 * i - 1, 2 * i, 2 * i - 1], []) for i in range(1, N + 1)]
RELATIONS = [
    Element("relation", i, None, 1, 0, 0, 0, "", False, [("postal_code", str(i) * 300)], [], [("way", i, "")])
    for i in range(1, N + 1)
]
WORLD = changed({}, [*NODES, *WAYS, *RELATIONS])
RULES = """<id-query type="relation" lower="{lower}" upper="{upper}"/><foreach into="r"><union>
  <recurse type="relation-way" from="r" into="w"/><recurse type="way-node" from="w"/></union>
  <make-area pivot="r"/></foreach>"""


class Grown(NamedTuple):
    root: Path
    """A database with a delta of areas that the next change makes too large."""
    change: bytes
    changed_relations: tuple[int, int]
    """The first and the last whose area changes."""
    after: World
    n_commits: int
    """What the change leads to: of the map, its compaction if that is due, of the areas, and their compaction."""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    folder = tmp_path_factory.mktemp("grown")
    root, before, world = folder / "db", folder / "before", WORLD
    reached = Counter[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failpoint_module, "reached", lambda name: reached.update([name]))
        update(root, osm_file([*NODES, *WAYS, *RELATIONS]), "auto")
        generator.follow(str(root))
        for first in range(0, 2 * N, 40):
            shutil.copytree(root, before)
            reached.clear()
            moved = [node._replace(position=(7, node.id)) for node in NODES[first : first + 40 : 2]]
            update(root, change_file(moved))
            n_of_map = reached["after_extents"]
            generator.follow(str(root))
            world = changed(world, moved)
            if (n_commits := reached["after_extents"]) > n_of_map + 1:
                relations = moved[0].id // 2 + 1, moved[-1].id // 2 + 1
                return Grown(before, change_file(moved), relations, world, n_commits)
            shutil.rmtree(before)
    raise AssertionError("no delta has grown large")


@pytest.fixture
def root(tmp_path: Path, grown: Grown) -> Path:
    return shutil.copytree(grown.root, tmp_path / "db")


def n_delta_bytes(root: Path) -> int:
    areas = open_areas(str(root))
    assert areas is not None
    with areas.snapshot as snapshot:
        blocks = range(snapshot.n_blocks(WAYS_FAMILY))
        return sum(lib.osm3s_snapshot_entry(snapshot.handle, block).delta_head_len for block in blocks)


def check(root: Path, expected: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert stored(root) == follow({}, expected)
    assert verify.main([f"--db-dir={root}"]) == 0, capsys.readouterr().out


def check_compacted(root: Path, grown: Grown, failpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a killed compaction has left, and what becomes of it."""
    assert stored(root) == follow({}, grown.after)
    assert (n_delta_bytes(root) == 0) == (failpoint in NEW)
    assert recover(str(root), AREAS) == OUTCOMES.get(failpoint, CLEAN)
    assert recover(str(root), AREAS) == recover(str(root)) == CLEAN
    assert (n_delta_bytes(root) == 0) == (failpoint in ROLLED + NEW)
    check(root, grown.after, capsys)
    assert update_database(root, change_file(NODES[:1])).returncode == 0


@pytest.mark.parametrize("failpoint", [*OLD, *ROLLED, *NEW])
def test_a_killed_compaction_after_an_update(
    root: Path, grown: Grown, failpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kill = update_database(root, grown.change, failpoint=f"{failpoint}:{grown.n_commits}")
    assert kill.returncode == -signal.SIGKILL
    check_compacted(root, grown, failpoint, capsys)
    check(root, changed(grown.after, NODES[:1]), capsys)


@pytest.mark.parametrize("failpoint", [*OLD, *ROLLED, *NEW])
def test_a_killed_compaction_after_a_run_of_rules(
    root: Path, grown: Grown, failpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lower, upper = grown.changed_relations
    rules = RULES.format(lower=lower, upper=upper).encode()
    with writing_areas(str(root)) as permission:
        write(permission, AreaChange({"made_by": BY_RULES}))
    update(root, grown.change)
    program = ("osm3s_query", f"--db-dir={root}", "--rules", "--concise")
    assert run(*program, stdin=rules, failpoint=f"{failpoint}:2").returncode == -signal.SIGKILL
    check_compacted(root, grown, failpoint, capsys)
    assert run(*program, stdin=rules).returncode == 0
    check(root, grown.after, capsys)


@pytest.mark.parametrize("place", ["in_merge", *IN_RECOVERY])
def test_a_killed_recovery_of_a_compaction(
    root: Path, grown: Grown, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kill = update_database(root, grown.change, failpoint=f"before_merge:{grown.n_commits}")
    assert kill.returncode == -signal.SIGKILL
    for _ in range(2):  # the second time also from what the first one has left
        assert killed(place, lambda: recover(str(root), AREAS)) == -signal.SIGKILL
        assert stored(root) == follow({}, grown.after)
    recover(str(root), AREAS)
    assert n_delta_bytes(root) == 0
    check(root, grown.after, capsys)


@pytest.mark.parametrize("error", [DispatcherError("another writer came first"), StorageError("the disk is full")])
def test_a_compaction_that_cannot_be_done_is_no_trouble(
    root: Path, grown: Grown, error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The areas are as the map wants them; their delta waits for the next compaction."""

    def compact(permission: object) -> int:
        raise error

    monkeypatch.setattr(compact_module, "compact", compact)
    update(root, grown.change)
    generator.follow(str(root))
    assert n_delta_bytes(root) > 0
    check(root, grown.after, capsys)
