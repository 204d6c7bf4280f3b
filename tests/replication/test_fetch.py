"""The local archive of a feed: what fetch_osc.sh puts there, what it logs, and when it gives up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from feed_server import Answer, FeedServer, damaged, error_page, not_found, says, truncated
from small_feed import FakeClock, Stop, follow_archive, import_world, publish, sequence_in, timestamp_of

from osm3s.errors import Osm3sError
from osm3s.replication.archive import ArchiveFeed
from osm3s.replication.errors import Absent, FeedError, OutOfSequence
from osm3s.replication.feed import HttpFeed
from osm3s.replication.fetch import ArchiveFetcher, HistoryRewritten
from osm3s.replication.state import path_of


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        yield running


def fetch(server: FeedServer, archive: Path, first: int, *planned: Callable[[], object]) -> FakeClock:
    clock, feed = FakeClock(*planned), HttpFeed(server.url)
    try:
        ArchiveFetcher(feed, str(archive), clock).run(first)
    except Stop:
        return clock
    finally:
        feed.close()
    raise AssertionError("the loop has ended by itself")


def log_of(archive: Path) -> list[str]:
    """Without the times."""
    return [line[len("fetch_osc()@2026-01-01 00:00:00: ") :] for line in (archive / "fetch_osc.log").open()]


def test_the_archive_is_as_the_reference_has_it(server: FeedServer, tmp_path: Path) -> None:
    publish(server, 998, 1000)
    archive = tmp_path / "a"
    clock = fetch(server, archive, 998, lambda: publish(server, 1001, 1001), lambda: None)
    for name, content in server.files.items():
        assert (archive / name).read_bytes() == content
    assert (archive / "replicate_id").read_text() == "1001\n"
    escaped = timestamp_of(1001).replace(":", r"\:")
    assert log_of(archive)[-1] == f"new_replicate_diff 1001 {escaped}\n"
    assert len(log_of(archive)) == 4
    assert set(clock.waits) == {15}
    names = {str(path.relative_to(archive)) for path in archive.rglob("*") if path.is_file()}
    assert names == {*server.files, "replicate_id", "fetch_osc.log"}


def test_what_is_there_is_not_fetched_again(server: FeedServer, tmp_path: Path) -> None:
    publish(server, 1, 3)
    fetch(server, tmp_path / "a", 1)
    (tmp_path / "a" / (path_of(2) + ".osc.gz")).write_bytes(b"damaged by somebody")
    server.requests.clear()
    fetch(server, tmp_path / "a", 1)
    assert server.requests == [path_of(2) + ".osc.gz", "state.txt"]


def test_a_disk_that_is_full_for_a_while_is_survived(server: FeedServer, tmp_path: Path) -> None:
    """Here something else is in the place of a new directory, and of the newest number."""
    publish(server, 1000, 1000)
    archive = tmp_path / "a"
    directory, newest = archive / "000" / "001", archive / "replicate_id.part"
    newest.mkdir(parents=True)
    directory.parent.mkdir()
    directory.write_bytes(b"")
    fetch(server, archive, 1000, directory.unlink, newest.rmdir)
    assert (archive / "replicate_id").read_text() == "1000\n"
    assert log_of(archive) == ["new_replicate_diff 1000 " + timestamp_of(1000).replace(":", r"\:") + "\n"]


@pytest.mark.parametrize("misbehaviour", [not_found, error_page, truncated, damaged], ids=lambda m: m.__name__)
def test_nothing_damaged_gets_into_the_archive(server: FeedServer, tmp_path: Path, misbehaviour: Answer) -> None:
    publish(server, 1, 2)
    archive, diff = tmp_path / "a", path_of(2) + ".osc.gz"
    server.misbehaviour[diff] = [misbehaviour] * 3
    seen = []
    fetch(server, archive, 1, *[lambda: seen.append((archive / diff).exists())] * 3)
    assert seen == [False] * 3
    assert (archive / diff).read_bytes() == server.files[diff]
    assert (archive / "replicate_id").read_text() == "2\n"


def test_a_delay_of_the_feed_is_survived(server: FeedServer, tmp_path: Path) -> None:
    """After 20 failures the diff before is compared, and is the same."""
    publish(server, 1, 3)
    server.misbehaviour[path_of(3) + ".osc.gz"] = [not_found] * 21
    clock = fetch(server, tmp_path / "a", 1, *[lambda: None] * 20)
    assert len(clock.waits) == 21
    log = [line.split()[:2] for line in log_of(tmp_path / "a")]
    new = [["new_replicate_diff", str(sequence)] for sequence in (1, 2, 2, 3)]
    assert log == [*new[:2], ["upstream_delay", "3"], *new[2:]]
    assert not list((tmp_path / "a").rglob("*.new.*"))


def test_a_rewritten_feed_is_left(server: FeedServer, tmp_path: Path) -> None:
    publish(server, 1, 3)
    server.misbehaviour[path_of(3) + ".state.txt"] = [not_found] * 21

    def rewrite() -> None:
        server.add(2, b"<osmChange/>", timestamp_of(2))

    with pytest.raises(HistoryRewritten) as raised:
        fetch(server, tmp_path / "a", 1, rewrite, *[lambda: None] * 19)
    assert raised.value.exit_status == 1
    assert "file_panic 2\n" in log_of(tmp_path / "a")
    assert (tmp_path / "a" / "replicate_id").read_text() == "2\n"


def test_an_archive_is_followed_as_far_as_it_is_complete(server: FeedServer, tmp_path: Path) -> None:
    root, archive = tmp_path / "db", tmp_path / "a"
    import_world(root)
    publish(server, 1, 4)
    fetch(server, archive, 1)
    (archive / "replicate_id").write_text("3\n")
    damaged_diff = archive / (path_of(3) + ".osc.gz")
    whole = damaged_diff.read_bytes()
    damaged_diff.write_bytes(whole[:-1])
    seen = []

    def repair() -> None:
        seen.append(sequence_in(root))
        damaged_diff.write_bytes(whole)

    notes, clock = follow_archive(root, archive, repair, lambda: (archive / "replicate_id").write_text("4\n"))
    assert seen == [2]
    assert "truncated" in notes.failures[0]
    assert clock.waits == [60, 5, 5]
    assert notes.batches == [[1, 2], [3], [4]]
    assert sequence_in(root) == 4


def test_an_empty_archive_is_waited_for(tmp_path: Path) -> None:
    import_world(tmp_path / "db")
    notes, clock = follow_archive(tmp_path / "db", tmp_path / "nothing", lambda: None)
    assert clock.waits == [5, 5]
    assert notes.batches == []


@pytest.mark.parametrize("text", ["", "x", "12345678901"])
def test_a_bad_number_in_an_archive_is_no_number(tmp_path: Path, text: str) -> None:
    (tmp_path / "replicate_id").write_text(text)
    with pytest.raises(FeedError):
        ArchiveFeed(str(tmp_path)).newest()


def test_errors_are_those_of_a_feed(server: FeedServer, tmp_path: Path) -> None:
    feed = HttpFeed(server.url)
    server.misbehaviour[path_of(3) + ".state.txt"] = [says(b"sequenceNumber=4\ntimestamp=2026-01-01T00\\:00\\:00Z")]
    with pytest.raises(OutOfSequence):
        feed.state(3)
    with pytest.raises(Absent):
        feed.diff(3)
    for sequence in (-1, 1_000_000_000):
        with pytest.raises(Osm3sError, match="no diff number"):
            feed.state(sequence)
