"""Histories that are fed, killed and told: what was there at a time stays what it was."""

from __future__ import annotations

import signal
from pathlib import Path
from random import Random
from typing import Any

import osmium
import pytest
from osm_xml import change_file, osm_file
from programs import update_database
from test_history_random import answer, assert_sound, bring_in, date

from osm3s.ffi.batch import Element
from osm3s.storage.recovery import recover
from osm3s.update import history

TIME = 1_000_000_000
NODES = [Element("node", i, (i * 900, i * 700), 1, TIME, 1, 1, "u", False, [], [], []) for i in range(1, 300)]
WAYS = [Element("way", i, None, 1, TIME, 1, 1, "u", False, [("w", "1")], [i, i + 1], []) for i in range(1, 200)]
CHANGES = change_file(
    [node._replace(position=(node.id * 900, 5), version=2, timestamp=TIME + 9) for node in NODES[::2]]
    + [way._replace(deleted=True, version=2, timestamp=TIME + 9) for way in WAYS[::3]]
)
EVERYTHING = "(node[!none];way[!none];);out meta;way[!none];out skel geom;"


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """What is there before and after the changes."""
    root = tmp_path_factory.mktemp("states") / "db"
    bring_in(root, osm_file([*NODES, *WAYS]), "attic")
    before = answer(root, EVERYTHING)
    bring_in(root, CHANGES)
    return before, answer(root, EVERYTHING)


@pytest.mark.parametrize(
    ("failpoint", "is_new"),
    [("after_extents", False), ("before_shadow_complete", False), ("after_shadow_sync", True), ("in_merge", True)],
)
def test_a_killed_writer_leaves_one_past(tmp_path: Path, failpoint: str, is_new: bool, states: tuple[Any, Any]) -> None:
    root = tmp_path / "db"
    bring_in(root, osm_file([*NODES, *WAYS]), "attic")
    assert update_database(root, CHANGES, failpoint=failpoint).returncode == -signal.SIGKILL
    recover(str(root))
    assert_sound(root)
    assert answer(root, EVERYTHING) == states[is_new]
    assert update_database(root, CHANGES).returncode == 0
    assert_sound(root)
    assert answer(root, date(TIME + 8) + EVERYTHING) == states[0]
    assert answer(root, date(TIME + 9) + EVERYTHING) == states[1]


# --- a real history, and what pyosmium says was there ----------------------------------------------------------------


class History:
    """All versions of a file, with those that ended when they began left out."""

    def __init__(self, path: Path) -> None:
        self.versions: dict[tuple[str, int], list[tuple[int, bool, Any]]] = {}
        for found in osmium.FileProcessor(str(path)):
            o: Any = found
            kind = {"n": "node", "w": "way", "r": "relation"}[o.type_str()]
            content: Any = o.version, sorted((tag.k, tag.v) for tag in o.tags), o.changeset, o.uid
            if kind == "node" and o.visible:
                content = *content, (o.location.x, o.location.y)
            elif kind == "way":
                content = *content, [node.ref for node in o.nodes]
            elif kind == "relation":
                content = *content, [(member.type, member.ref, member.role) for member in o.members]
            versions = self.versions.setdefault((kind, o.id), [])
            while versions and versions[-1][0] >= o.timestamp.timestamp():
                versions.pop()
            versions.append((int(o.timestamp.timestamp()), o.visible, content))

    def at(self, time: int) -> dict[tuple[str, int], Any]:
        found = {}
        for key, versions in self.versions.items():
            valid = [version for version in versions if version[0] <= time]
            if valid and valid[-1][1]:
                found[key] = valid[-1][2]
        return found

    def position(self, node: int, time: int) -> tuple[int, int] | None:
        """Before a node was known it was where it was first."""
        versions = self.versions.get(("node", node), [])
        valid = [version for version in versions if version[0] <= time] or versions[:1]
        return valid[-1][2][-1] if valid and valid[-1][1] else None


def stored_at(root: Path, time: int) -> tuple[dict[tuple[str, int], Any], dict[int, list[tuple[int, int] | None]]]:
    """The elements in the form of `History`, and the positions of the nodes of ways."""
    found: dict[tuple[str, int], Any] = {}
    lines: dict[int, list[tuple[int, int] | None]] = {}
    query = "(node[!none];way[!none];relation[!none];);out meta;way[!none];out skel geom;"
    for e in answer(root, date(time) + query):
        if "version" not in e:
            places = e.get("geometry") or [None] * len(e.get("nodes", []))
            lines[e["id"]] = [(round(p["lon"] * 1e7), round(p["lat"] * 1e7)) if p else None for p in places]
            continue
        content: Any = e["version"], sorted(e.get("tags", {}).items()), e["changeset"], e["uid"]
        if e["type"] == "node":
            content = *content, (round(e["lon"] * 1e7), round(e["lat"] * 1e7))
        elif e["type"] == "way":
            content = *content, e.get("nodes", [])
        else:
            content = *content, [(m["type"][0], m["ref"], m["role"]) for m in e.get("members", [])]
        found[e["type"], e["id"]] = content
    return found, lines


def test_a_full_history_at_any_time(tmp_path: Path, shared_dir: Path) -> None:
    path, root = shared_dir / "data" / "history" / "cyberjaya.osh.pbf", tmp_path / "db"
    expected_history = History(path)
    bring_in(root, path.read_bytes(), "attic", "cyberjaya.osh.pbf")
    assert_sound(root)
    times = sorted({version[0] for versions in expected_history.versions.values() for version in versions})
    for time in Random(7).sample(times, 2):
        found, lines = stored_at(root, time)
        expected = expected_history.at(time)
        assert found == expected
        for (kind, number), content in expected.items():
            if kind == "way":
                assert lines[number] == [expected_history.position(node, time) for node in content[-1]], number


def test_a_large_history_is_cut_into_slices(tmp_path: Path, shared_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With slices of a few thousand versions, two written at a time, the past is the same."""
    content = (shared_dir / "data" / "history" / "cyberjaya.osh.pbf").read_bytes()
    whole, sliced = tmp_path / "whole", tmp_path / "sliced"
    bring_in(whole, content, "attic", "cyberjaya.osh.pbf")
    monkeypatch.setattr(history, "SLICE_VERSIONS", 6_000)
    monkeypatch.setattr(history, "OPEN_SLICES", 2)
    bring_in(sliced, content, "attic", "cyberjaya.osh.pbf")
    assert_sound(sliced)
    assert not list(tmp_path.rglob("slice-*"))
    for when in ("", date(1_400_000_000)):
        assert answer(sliced, when + EVERYTHING) == answer(whole, when + EVERYTHING)
