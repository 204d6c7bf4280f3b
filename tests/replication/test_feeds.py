"""Following a feed that misbehaves: nothing wrong gets in, nothing is skipped; it goes on when the cause is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from feed_server import (
    Answer,
    FeedServer,
    damaged,
    empty,
    error_page,
    not_a_change,
    not_found,
    not_xml,
    overloaded,
    reset,
    says,
    truncated,
    truncated_silently,
)
from small_feed import follow, import_world, publish, sequence_in, timestamp_of

from osm3s.errors import StorageError, UsageError
from osm3s.replication.errors import Damaged
from osm3s.replication.feed import HttpFeed
from osm3s.replication.follow import Limits
from osm3s.replication.state import State, parse_state, path_of
from osm3s.replication.target import Target
from osm3s.update.update_files import update_files


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        yield running


@pytest.fixture
def root(tmp_path: Path) -> Path:
    import_world(tmp_path / "db")
    return tmp_path / "db"


def test_everything_there_is_one_batch_and_later_ones_follow(server: FeedServer, root: Path) -> None:
    publish(server, 1, 5)
    notes, clock = follow(root, server.url, lambda: None, lambda: publish(server, 6, 6))
    assert notes.batches == [[1, 2, 3, 4, 5], [6]]
    assert notes.failures == []
    assert sequence_in(root) == 6
    assert Target(str(root)).position().replication_url == server.url
    assert server.n_connections == 1
    assert min(clock.waits) >= 5


def test_batches_are_limited(server: FeedServer, root: Path) -> None:
    publish(server, 1, 7)
    notes, _ = follow(root, server.url, limits=Limits(most_diffs=3))
    assert notes.batches == [[1, 2, 3], [4, 5, 6], [7]]
    publish(server, 8, 9)
    notes, _ = follow(root, server.url, limits=Limits(most_bytes=1))
    assert notes.batches == [[8], [9]]
    assert sequence_in(root) == 9


WRONG_DIFFS = [not_found, error_page, overloaded, truncated, truncated_silently, damaged, not_xml, not_a_change, empty]


@pytest.mark.parametrize("misbehaviour", [*WRONG_DIFFS, reset], ids=lambda m: m.__name__)
def test_a_bad_diff_is_waited_for(server: FeedServer, root: Path, misbehaviour: Answer) -> None:
    """Those before it are applied, none behind it is."""
    publish(server, 1, 5)
    server.misbehaviour[path_of(3) + ".osc.gz"] = [misbehaviour] * 8
    seen = []
    notes, clock = follow(root, server.url, *[lambda: seen.append(sequence_in(root))] * 8)
    failures = len(notes.failures)
    assert failures in (4, 8)  # a connection that is reset is tried a second time at once
    assert seen[:failures] == [2] * failures
    assert path_of(3) in notes.failures[0]
    assert notes.batches == [[1, 2], [3, 4, 5]]
    assert sequence_in(root) == 5
    if misbehaviour is overloaded:
        assert clock.waits[0] == 77
    else:
        assert clock.waits[: min(failures, 4)] == [5, 10, 20, 40][: min(failures, 4)]


WRONG_STATES = [
    *(not_found, error_page, overloaded, truncated, empty),
    says(b"sequenceNumber=9\n"),
    says(b"sequenceNumber=x\ntimestamp=2026-01-01T00\\:00\\:00Z"),
    says(b"sequenceNumber=5\ntimestamp=now"),
    says(b"\x1f\x8b\0\0"),
    says(b"sequenceNumber=1\nsequenceNumber=2\ntimestamp=2026-01-01T00\\:00\\:00Z"),
    says(b"sequenceNumber=2\nsequenceNumber=\ntimestamp=2026-01-01T00\\:00\\:00Z"),
    says(b"sequenceNumber=2\ntimestamp=2026-01-01T00\\:00\\:00Z\ntimestamp=2027-01-01T00\\:00\\:00Z"),
    says(b"sequenceNumber=-2\ntimestamp=2026-01-01T00\\:00\\:00Z"),
    says(b"sequenceNumber=2\0\ntimestamp=2026-01-01T00\\:00\\:00Z"),
]


def test_a_state_that_says_a_thing_twice() -> None:
    once = b"#Sat\nsequenceNumber=7\r\ntxnMax=1\ntimestamp=2026-01-01T00\\:00\\:00Z\n"
    assert parse_state(once + once, "state.txt") == State(7, "2026-01-01T00:00:00Z")
    with pytest.raises(Damaged, match=r"^state\.txt: not a state file: sequenceNumber is 7 and 8$"):
        parse_state(once + b"sequenceNumber=8\n", "state.txt")


@pytest.mark.parametrize("misbehaviour", WRONG_STATES)
def test_a_bad_state_is_waited_for(server: FeedServer, root: Path, misbehaviour: Answer) -> None:
    publish(server, 1, 2)
    server.misbehaviour["state.txt"] = [misbehaviour, misbehaviour]
    notes, _ = follow(root, server.url, *[lambda: None] * 3)
    assert len(notes.failures) == 2
    assert "state.txt" in notes.failures[0]
    assert sequence_in(root) == 2


def test_a_state_of_another_number_does_not_count(server: FeedServer, root: Path) -> None:
    publish(server, 1, 4)
    server.files[path_of(2) + ".state.txt"] = server.files[path_of(3) + ".state.txt"]
    notes, _ = follow(root, server.url, lambda: None, limits=Limits(most_diffs=2))
    assert "number 3" in notes.failures[0]
    assert notes.batches == [[1], [2, 3], [4]]  # no batch ends with a state that is wrong
    assert sequence_in(root) == 4


def test_a_number_that_is_announced_too_early_is_waited_for(server: FeedServer, root: Path) -> None:
    publish(server, 1, 2)
    server.files["state.txt"] = server.files["state.txt"].replace(b"sequenceNumber=2", b"sequenceNumber=999999999")
    notes, _ = follow(root, server.url, lambda: publish(server, 3, 3))
    assert path_of(3) in notes.failures[0]
    assert notes.batches == [[1, 2], [3]]


def test_a_feed_that_begins_anew_is_refused(server: FeedServer, root: Path) -> None:
    publish(server, 1, 5)
    follow(root, server.url)
    server.files.clear()
    publish(server, 1, 3)
    notes, _ = follow(root, server.url, lambda: None, lambda: publish(server, 4, 6))
    assert "begun anew" in notes.failures[0]
    assert sequence_in(root) == 6


def test_an_older_timestamp_is_refused(server: FeedServer, root: Path) -> None:
    """The numbers go on, but what comes is from the past."""
    publish(server, 1, 3)
    follow(root, server.url)
    publish(server, 4, 4)
    good = server.files[path_of(4) + ".state.txt"]
    old = good.replace(timestamp_of(4)[:10].encode(), b"2020-01-01")
    server.files[path_of(4) + ".state.txt"] = server.files["state.txt"] = old
    notes, _ = follow(root, server.url, lambda: server.files.update({"state.txt": good}))
    assert "rewritten" in notes.failures[0]
    assert sequence_in(root) == 4


def test_no_server_is_waited_for(root: Path) -> None:
    with FeedServer() as gone:
        url = gone.url
    notes, clock = follow(root, url, *[lambda: None] * 9)
    assert "refused" in notes.failures[0]
    assert clock.waits == [5, 10, 20, 40, 80, 160, 300, 300, 300, 300]


def test_another_writer_is_noticed(server: FeedServer, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between fetching and applying, somebody else applies the same diffs: they are not applied twice."""
    publish(server, 1, 3)
    apply = Target.apply

    def after_another(self: Target, *arguments: object) -> None:
        monkeypatch.setattr(Target, "apply", apply)
        follow(root, server.url, limits=Limits(most_diffs=2))
        apply(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Target, "apply", after_another)
    notes, _ = follow(root, server.url, lambda: publish(server, 4, 4))
    assert "another process" in notes.failures[0]
    assert notes.batches == [[4]]
    assert sequence_in(root) == 4


def test_a_batch_that_cannot_be_written_is_tried_in_parts(
    server: FeedServer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(server, 1, 40)
    apply = Target.apply

    def full(self: Target, diffs: list[object], *arguments: object) -> None:
        if len(diffs) > 3:
            raise StorageError("the disk is full; nothing was changed")
        apply(self, diffs, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Target, "apply", full)
    notes, _ = follow(root, server.url, lambda: None, lambda: monkeypatch.setattr(Target, "apply", apply))
    assert notes.failures == ["the disk is full; nothing was changed"] * 2
    assert notes.batches[0] == [1, 2]
    assert max(map(len, notes.batches)) > 3
    assert sequence_in(root) == 40


# --- where to begin -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("contained", [0, 1, 3, 9, 10])
def test_the_timestamp_tells_where_to_begin(server: FeedServer, tmp_path: Path, contained: int) -> None:
    publish(server, 1, 10)
    import_world(tmp_path / "db", None, timestamp_of(contained).replace(":00Z", ":30Z"))
    notes, _ = follow(tmp_path / "db", server.url, lambda: publish(server, 11, 11))
    assert [sequence for batch in notes.batches for sequence in batch] == list(range(contained + 1, 12))


def test_data_older_than_the_feed_is_refused(server: FeedServer, tmp_path: Path) -> None:
    publish(server, 20, 40)
    import_world(tmp_path / "db", None, timestamp_of(5))
    with pytest.raises(UsageError, match=r"begins with number 20.*newer extract"):
        follow(tmp_path / "db", server.url)
    import_world(tmp_path / "other", None, "some time")
    with pytest.raises(UsageError, match="--start"):
        follow(tmp_path / "other", server.url)
    notes, _ = follow(tmp_path / "other", server.url, asked=38)
    assert notes.batches == [[39, 40]]


def test_a_start_that_leaves_a_gap_is_refused(server: FeedServer, root: Path, tmp_path: Path) -> None:
    publish(server, 1, 9)
    with pytest.raises(UsageError, match="gap"):
        follow(root, server.url, asked=4)
    import_world(tmp_path / "unnumbered", None, timestamp_of(3))
    with pytest.raises(UsageError, match="gap"):
        follow(tmp_path / "unnumbered", server.url, asked=5)
    with pytest.raises(UsageError, match="newest is 9"):
        follow(tmp_path / "unnumbered", server.url, asked=12)
    notes, _ = follow(tmp_path / "unnumbered", server.url, asked=2)
    assert notes.batches == [list(range(3, 10))]


def test_a_number_of_another_feed_does_not_count(server: FeedServer, root: Path) -> None:
    """The minutes are followed up to 5; then an hourly feed, whose number 2 contains them."""
    publish(server, 1, 5)
    follow(root, server.url)
    with FeedServer() as other:
        for number in (1, 2, 3):
            other.add(number, b"<osmChange/>", timestamp_of(2 * number))
        notes, _ = follow(root, other.url)
        assert notes.batches == [[3]]
        position = Target(str(root)).position()
        assert position.replication_url == other.url
        assert (position.replicate_id, position.timestamp) == ("3", timestamp_of(6))


def test_numbers_without_a_feed_are_told_apart_by_time(server: FeedServer, tmp_path: Path) -> None:
    """The data is from diff 300 of a feed that is not named; the one that is followed now counts otherwise."""
    publish(server, 1, 9)
    import_world(tmp_path / "db", "300", timestamp_of(5))
    with pytest.raises(UsageError, match="gap"):
        follow(tmp_path / "db", server.url, asked=6)
    assert follow(tmp_path / "db", server.url, asked=5)[0].batches == [[6, 7, 8, 9]]
    import_world(tmp_path / "same", "5", timestamp_of(5))
    assert follow(tmp_path / "same", server.url, asked=3)[0].batches == [[6, 7, 8, 9]]
    import_world(tmp_path / "low", "2", timestamp_of(5))  # number 2 is of another time, so it is of another feed
    assert follow(tmp_path / "low", server.url)[0].batches == [[6, 7, 8, 9]]


def test_the_header_of_an_extract_names_number_and_feed(shared_dir: Path, tmp_path: Path) -> None:
    from test_replication import unpacked

    feed, _ = unpacked(shared_dir, "liechtenstein", tmp_path)
    update_files(str(tmp_path / "db"), [str(feed / "liechtenstein.osm.pbf")], "meta", None, None)
    position = Target(str(tmp_path / "db")).position()
    assert position.sequence == 2434
    assert position.replication_url == "http://download.geofabrik.de/europe/liechtenstein-updates"


def test_a_redirected_file_is_fetched(server: FeedServer) -> None:
    server.files["there"] = b"content"
    server.misbehaviour["here"] = [lambda handler, _: handler.answer(302, b"", Location="/there")]
    assert HttpFeed(server.url).get(f"{server.url}/here", 100) == b"content"
