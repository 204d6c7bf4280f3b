"""What changed in a time: the changelog and the blocks themselves say the same, whatever happened."""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from history_model import HistoryModel, histories
from hypothesis import HealthCheck, given, settings
from osm_xml import change_file, osm_file
from small_worlds import in_order
from test_history_random import bring_in

from osm3s.eval.limits import Limits
from osm3s.ffi.batch import Element
from osm3s.ffi.element_set import TYPES
from osm3s.paths import DatabaseDir
from osm3s.storage import index_keys
from osm3s.storage.snapshot import Snapshot
from osm3s.storage.version_times import VersionTimes
from osm3s.storage.versions import Versions, logged_begun

NOW = (1 << 32) - 1


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories())
def test_the_changelog_knows_what_changed_when(history: tuple[list[Element], list[list[Element]]]) -> None:
    start, batches = history
    model = HistoryModel()
    with TemporaryDirectory() as name:
        root = Path(name) / "db"
        bring_in(root, osm_file(in_order({(e.type, e.id): e for e in start})), "attic")
        for batch in batches:
            bring_in(root, change_file(batch))
        for elements in (start, *batches):
            model.feed(elements)
        with Snapshot(DatabaseDir(str(root))) as snapshot:
            handle = Limits().handle
            times = [VersionTimes.unpack(value) for _, value in snapshot.entries(index_keys.VERSION_TIMES)]
            for one, next_one in pairwise(times):
                assert next_one.before == max(one.before, one.last)
            bounds = sorted({t + d for times_ in times for t in times_ for d in (-1, 0)} | {*model.times(), NOW} - {0})
            for since, until in combinations(bounds, 2):
                logged = logged_begun(snapshot, handle, since, until)
                assert (logged is None) == (not times or since < times[0].before)
                for element_type in TYPES if logged is not None else ():
                    found = Versions(snapshot, handle, element_type).begun(since, until).ids()
                    assert logged is not None and logged.ids(element_type) == found.ids(element_type)


def test_only_commits_of_the_time_are_read(tmp_path: Path) -> None:
    root, time = tmp_path / "db", 1_000_000_000

    def node(number: int, version: int, after_s: int) -> Element:
        place = number * 100, version * 100
        return Element("node", number, place, version, time + after_s, 1, 1, "u", False, [], [], [])

    bring_in(root, osm_file([node(i, 1, i) for i in range(1, 5)]), "attic")
    for minute in range(1, 40):
        bring_in(root, change_file([node(1 + minute % 4, 1 + minute, 60 * minute)]))
    bring_in(root, change_file([node(2, 50, 60 * 40), node(2, 51, 60 * 41), node(3, 50, 60 * 42)]))
    with Snapshot(DatabaseDir(str(root))) as snapshot:

        def n_read(since: int, until: int) -> int:
            changelogs = snapshot.changelogs_between(time + since, time + until)
            assert changelogs is not None
            return len(list(changelogs))

        def ids(since: int, until: int) -> list[int]:
            found = logged_begun(snapshot, Limits().handle, time + since, time + until)
            assert found is not None
            return found.ids(0)

        assert snapshot.changelogs_between(time + 3, time + 60) is None  # node 4 came with the import, at that time
        assert n_read(4, 60) == 1 and ids(4, 60) == [2]
        assert n_read(60, 60 * 3) == 2 and ids(60, 60 * 3) == [3, 4]
        assert n_read(60 * 38, 60 * 40) == 2 and ids(60 * 38, 60 * 40) == [2, 4]
        assert n_read(60 * 39, NOW - time) == 1 and ids(60 * 39, NOW - time) == [2, 3]
        assert n_read(60 * 43, NOW - time) == 0
