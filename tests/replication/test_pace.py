"""How long a follower waits, and what it tells systemd."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from osm3s.replication.errors import Absent, FeedError
from osm3s.replication.pace import FeedPace, FixedPace
from osm3s.replication.people_log import duration, notify
from osm3s.replication.state import State, iso, seconds_of

NOW_S = seconds_of("2026-01-01T12:00:00Z") or 0.0


@pytest.mark.parametrize("interval_s", [60, 3600, 86400])
def test_the_states_tell_how_often_diffs_come(interval_s: int) -> None:
    pace = FeedPace()
    pace.seen(State(10, iso(NOW_S)), State(7, iso(NOW_S - 3 * interval_s)))
    assert pace.interval_s == interval_s
    assert pace.until_due_s(NOW_S + interval_s / 2) == min(interval_s / 2, 900)
    assert 5 <= pace.until_due_s(NOW_S + interval_s) <= min(interval_s / 6, 900)
    assert pace.until_due_s(NOW_S + 100 * interval_s) <= 900
    pace.seen(State(12, iso(NOW_S + interval_s)))
    assert pace.interval_s == interval_s / 2
    pace.seen(State(12, iso(NOW_S + interval_s)))
    pace.seen(State(11, iso(NOW_S)))
    assert pace.interval_s == interval_s / 2


def test_after_failures_it_waits_longer_and_longer() -> None:
    pace = FeedPace()
    waits = [pace.after_failure_s(n, FeedError("")) for n in range(1, 2000)]
    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-1] == 300
    assert pace.after_failure_s(1, FeedError("", retry_after_s=1000)) == 1000
    assert FixedPace(5, 60).after_failure_s(3, Absent("")) == 5
    assert FixedPace(5, 60).after_failure_s(3, FeedError("")) == 60


def test_durations_are_for_people() -> None:
    assert [duration(s) for s in (-1, 0, 59, 119, 120, 7200, 86400 * 3)] == [
        *("0 s", "0 s", "59 s", "119 s"),
        *("2 min", "2 h", "3 days"),
    ]


def test_systemd_is_told_if_it_wants_to_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "s"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "s"))
        notify("READY=1")
        assert systemd.recv(100) == b"READY=1"
    notify("READY=1")  # nobody listens any more
