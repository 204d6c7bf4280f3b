"""A feed about a small world, and a database that follows it without ever really waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from database import Database
from feed_server import FeedServer
from osm_xml import change_file, osm_file

from osm3s.errors import Osm3sError
from osm3s.ffi.batch import Element
from osm3s.replication.archive import ArchiveFeed
from osm3s.replication.diff import Diff
from osm3s.replication.feed import HttpFeed
from osm3s.replication.follow import Follower, Limits
from osm3s.replication.pace import FeedPace, FixedPace
from osm3s.replication.state import State, iso, seconds_of
from osm3s.replication.target import Target
from osm3s.update.update_files import update_files

NODE = Element("node", 1, (1, 1), 1, 1_600_000_000, 1, 1, "ann", False, [], [], [])
BEGIN_S = seconds_of("2026-01-01T00:00:00Z") or 0.0


def timestamp_of(sequence: int) -> str:
    return iso(BEGIN_S + 60 * sequence)


def change(sequence: int) -> bytes:
    """Moves node 1, so that it tells the number; adds one node; a node that nobody knows and a repeated deletion."""
    return change_file(
        [
            NODE._replace(position=(sequence, sequence), version=sequence + 1),
            NODE._replace(id=100 + sequence, position=(5, sequence)),
            NODE._replace(id=7, version=2 + sequence % 2, deleted=True),
        ]
    )


def publish(server: FeedServer, first: int, last: int) -> None:
    for sequence in range(first, last + 1):
        server.add(sequence, change(sequence), timestamp_of(sequence))


def import_world(root: Path, replicate_id: str | None = "0", timestamp: str | None = None) -> None:
    """What the data is before the first diff."""
    source = root.with_suffix(".osm")
    way = NODE._replace(type="way", position=None, refs=[1, 2])
    source.write_bytes(osm_file([NODE, NODE._replace(id=2, position=(9, 9)), way]))
    update_files(str(root), [str(source)], "meta", timestamp or timestamp_of(0), replicate_id)


def sequence_in(root: Path) -> int:
    """The number that data and settings agree on; AssertionError if they do not."""
    database = Database(root)
    database.check()
    elements = {(s.element.type, s.element.id): s for s in database.dump()}
    position = elements["node", 1].element.position
    number = 0 if position == (1, 1) and ("node", 101) not in elements else position[0] if position else -1
    assert elements["way", 1].coordinates[0] == position
    assert [i for kind, i in elements if kind == "node" and i > 100] == list(range(101, 101 + number))
    if number:
        assert database.settings.replicate_id == str(number)
        assert database.settings.timestamp == timestamp_of(number)
    return number


class Stop(BaseException):
    """The test has seen enough."""


class FakeClock:
    """Waiting takes no time: it calls what is planned for that moment, and ends the loop when nothing is left."""

    def __init__(self, *planned: Callable[[], object]) -> None:
        self.now = BEGIN_S + 3600 * 24
        self.waits: list[float] = []
        self._planned = list(planned)

    def now_s(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.waits.append(seconds)
        if not self._planned:
            raise Stop
        self._planned.pop(0)()


class Notes:
    """A journal that remembers."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failures: list[str] = []

    def starts(self, sequence: int) -> None: ...

    def applies(self, diffs: Sequence[Diff]) -> None: ...

    def applied(self, diffs: Sequence[Diff], state: State, newest: State) -> None:
        self.batches.append([diff.sequence for diff in diffs])

    def up_to_date(self, wait_s: float) -> None: ...

    def failed(self, error: Osm3sError | MemoryError, n_failures: int, wait_s: float) -> None:
        self.failures.append(str(error))


def follow(
    root: Path, url: str, *planned: Callable[[], object], limits: Limits | None = None, asked: int | None = None
) -> tuple[Notes, FakeClock]:
    """Follow until there is nothing more planned."""
    clock, notes, feed = FakeClock(*planned), Notes(), HttpFeed(url)
    try:
        Follower(feed, Target(str(root)), FeedPace(), clock, notes, limits or Limits(), asked).run()
    except Stop:
        return notes, clock
    finally:
        feed.close()
    raise AssertionError("the loop has ended by itself")


def follow_archive(root: Path, archive: Path, *planned: Callable[[], object]) -> tuple[Notes, FakeClock]:
    """As apply_osc_to_db.sh does."""
    clock, notes = FakeClock(*planned), Notes()
    try:
        Follower(ArchiveFeed(str(archive)), Target(str(root)), FixedPace(5, 60), clock, notes).run()
    except Stop:
        return notes, clock
    raise AssertionError("the loop has ended by itself")
