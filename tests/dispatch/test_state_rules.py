"""Single rules of the state machine, and the lines it logs."""

from __future__ import annotations

import pytest

from osm3s.dispatch.recovery import Outcome
from osm3s.dispatch.version import Version
from osm3s.dispatch.writer import Phase

from .world import CLAIM, World


@pytest.fixture
def world() -> World:
    world = World()
    world.start()
    world.finish_recovery(Outcome("clean", Version(5, "t5", "r5")))
    for conn in (1, 2, 3):
        world.connect(conn)
    return world


def test_a_reader_gets_the_published_version(world: World) -> None:
    world.ask(1, "read_start", CLAIM)
    assert world.answers[1] == [("granted", 100.0, 5, "t5", "r5")]


def test_the_writer_learns_the_oldest_snapshot(world: World) -> None:
    world.ask(1, "read_start", CLAIM)
    world.ask(2, "write_start", "")
    world.ask(2, "write_commit", "")
    world.ask(2, "write_done", Version(6, "t6", "r6"))
    world.ask(3, "read_start", CLAIM)
    world.ask(3, "read_idx_finished", 6)
    world.ask(2, "write_start", "")
    assert world.answers[2][-1] == ("granted", 100.0, 5, 6, "t6", "r6")
    world.ask(2, "write_rollback")
    world.ask(1, "read_finished", "")
    world.ask(2, "write_start", "")
    assert world.answers[2][-1][2] == 6


def test_a_snapshot_newer_than_the_published_version_does_not_raise_the_oldest(world: World) -> None:
    world.ask(1, "read_start", CLAIM)
    world.ask(1, "read_idx_finished", 6)  # merged, but write_done has not arrived yet
    assert world.state.readers.oldest_snapshot(5) == 5


def test_writers_are_served_in_the_order_of_their_coming(world: World) -> None:
    for conn in (2, 1, 3):
        world.ask(conn, "write_start", "")
    assert [conn for conn in (1, 2, 3) if world.answers[conn]] == [2]
    world.ask(2, "write_rollback")
    assert [conn for conn in (1, 2, 3) if world.answers[conn]] == [1, 2]


def test_a_commit_does_not_wait_for_a_reader_that_opens(world: World) -> None:
    world.ask(1, "read_start", CLAIM)
    world.ask(2, "write_start", "")
    world.ask(2, "write_commit", "")
    assert world.answers[2][-1] == ("granted",)


def test_a_version_that_is_not_newer_is_not_published(world: World) -> None:
    world.ask(2, "write_start", "")
    world.ask(2, "write_commit", "")
    world.ask(2, "write_done", Version(5, "t5", "r5"))  # nothing had changed
    assert world.answers[2][-1] == ("ok",) and world.published == [5]


def test_a_version_that_is_older_is_looked_up_in_the_index(world: World) -> None:
    for found in (5, 4):
        world.ask(2, "write_start", "")
        world.ask(2, "write_commit", "")
        world.ask(2, "write_done", Version(4, "t4", "r4"))
        assert (world.answers[2][-1], world.recoveries_running) == (("ok",), 1)
        world.finish_recovery(Outcome("clean", Version(found, "t", "r")))
        assert world.published[-1] == found
    assert [line for line in world.log if "replaced" in line] == [
        "The database has been replaced: version 5 of t5 was here, version 4 of t is. Going on with that one."
    ]
    assert not [line for line in world.log if "rollback" in line]


def test_a_reader_that_finds_an_older_version_makes_us_look(world: World) -> None:
    world.ask(1, "read_start", CLAIM)
    world.ask(1, "read_idx_finished", 3)
    assert world.recoveries_running == 1
    world.finish_recovery(Outcome("clean", Version(3, "t3", "r3")))
    assert world.published[-1] == 3
    world.ask(1, "read_finished", "0")
    world.ask(1, "read_start", CLAIM)
    world.ask(1, "read_idx_finished", 3)
    assert world.recoveries_running == 0


def test_a_dead_writer_is_rolled_back_and_the_next_gets_its_turn(world: World) -> None:
    world.ask(1, "write_start", "")
    world.ask(2, "write_start", "")
    world.end_process(10)
    assert world.state.writer.phase is Phase.RECOVERING and not world.answers[2]
    world.finish_recovery(Outcome("rolled_forward", Version(6)))
    assert world.published == [5, 6] and world.answers[2][0][0] == "granted"


def test_a_silent_writer_is_killed_and_its_end_awaited(world: World) -> None:
    world.ask(1, "write_start", "")
    world.ask(2, "write_start", "")
    world.pass_time(99)
    assert not world.killed
    world.ask(1, "prolongate")
    world.pass_time(99)
    assert not world.killed
    world.pass_time(2)
    assert world.killed == {10} and not world.recoveries_running and not world.answers[2]
    world.end_process(10)
    world.finish_recovery(Outcome("rolled_back"))
    assert world.answers[2][0][0] == "granted"


def test_a_silent_reader_is_forgotten(world: World) -> None:
    world.ask(1, "read_start", CLAIM)
    world.pass_time(101)
    assert not world.listed and 1 not in world.state.connections and "purge of process 10." in world.log


def test_waiting_for_the_permission_is_not_silence(world: World) -> None:
    world.ask(1, "write_start", "")
    world.ask(2, "write_start", "")
    for _ in range(5):
        world.pass_time(90)
        world.ask(1, "prolongate")
    world.ask(1, "write_rollback")
    world.pass_time(99)
    assert world.answers[2][0][0] == "granted" and 2 in world.state.connections


def test_failed_recovery_refuses_writers_and_is_tried_again(world: World) -> None:
    world.ask(1, "write_start", "")
    world.ask(2, "write_start", "")
    world.close(1)
    world.finish_recovery(None)
    assert world.answers[2] == [("refused", "recovery_failed", "the disk is full")]
    world.ask(3, "read_start", CLAIM)
    assert world.answers[3][0][0] == "granted"
    world.ask(2, "write_start", "")
    world.finish_recovery(Outcome("rolled_back"))
    assert world.answers[2][-1][0] == "granted"


def test_survivors_hold_their_snapshot_until_they_end() -> None:
    world = World()
    world.start(survivors={70: 3, 80: 4})
    world.finish_recovery(Outcome("clean", Version(5)))
    assert world.state.readers.oldest_snapshot(5) == 3
    world.end_process(70)
    assert world.state.readers.oldest_snapshot(5) == 4
    world.pass_time(101)
    assert world.state.readers.oldest_snapshot(5) == 5


def test_a_writer_left_behind_is_awaited_before_anything_is_rolled_back() -> None:
    world = World()
    world.start(writer_pid=70)
    world.connect(1)
    world.ask(1, "write_start", "")
    assert not world.recoveries_running
    world.end_process(70)
    world.finish_recovery(Outcome("rolled_back"))
    assert world.answers[1][0][0] == "granted"


def test_a_writer_left_behind_that_never_ends_is_killed() -> None:
    world = World()
    world.start(writer_pid=70)
    world.pass_time(101)
    assert world.killed == {70}


def test_a_writer_that_began_without_a_dispatcher_may_take_its_time() -> None:
    """An import takes hours. It asks nobody, so it gives no signs of life; an operator may end it."""
    world = World()
    world.start(writer_pid=70, alone=True)
    world.connect(1)
    world.ask(1, "write_start", "")
    for _ in range(100):
        world.pass_time(101)
    assert not world.killed and not world.answers[1]
    world.connect(2, pid=70)  # it is done, and asks as others do
    world.ask(2, "write_start", "")
    world.finish_recovery(Outcome("clean"))
    assert world.answers[1][0][0] == "granted"


def test_an_operator_may_end_a_writer_that_began_without_a_dispatcher() -> None:
    world = World()
    world.start(writer_pid=70, alone=True)
    world.connect(1)
    world.ask(1, "purge", 70)
    assert world.killed == {70}


def test_shutdown_refuses_who_waits_and_lets_the_writer_finish(world: World) -> None:
    world.ask(1, "write_start", "")
    world.ask(2, "write_start", "")
    world.shut_down()
    assert world.answers[2] == [("refused", "terminating", "the dispatcher is about to stop")]
    assert world.asked_to_end == {10} and not world.listening and not world.stopped
    world.pass_time(2)
    world.ask(1, "write_commit", "")
    world.ask(1, "write_done", Version(6))
    assert world.stopped and world.published == [5, 6]
    waits = [line for line in world.log if line.startswith("Shutdown")]
    assert waits == [
        "Shutdown triggered. Waiting 500 cycles for writing process 10.",
        "Shutdown triggered. Waiting 300 cycles for writing process 0.",
    ]


def test_shutdown_waits_no_longer_than_five_seconds(world: World) -> None:
    world.ask(1, "write_start", "")
    world.shut_down()
    world.pass_time(4.9)
    assert not world.stopped
    world.pass_time(0.2)
    assert world.stopped


def test_shutdown_without_writer_is_immediate(world: World) -> None:
    world.ask(1, "read_start", CLAIM)
    world.shut_down()
    assert world.stopped


def test_a_lock_that_cannot_be_created_is_a_refusal(world: World) -> None:
    world.state.write_start(1, "", 0.0)
    effects = world.state.lock_refused(1, "No space left on device", 0.0)
    assert ("refused", "lock", "No space left on device") in [getattr(effect, "message", None) for effect in effects]
    assert world.state.writer.phase is Phase.FREE


def test_log_lines_are_the_reference_s(world: World) -> None:
    world.log.clear()
    world.ask(1, "read_start", CLAIM)
    world.ask(1, "read_idx_finished", 5)
    world.ask(2, "write_start", "2026")
    world.ask(2, "write_commit", "1 2 3 4 5")
    world.ask(2, "write_done", Version(6))
    world.ask(1, "read_finished", "12 34")
    world.ask(1, "read_start", CLAIM)
    world.close(1)
    assert world.log == [
        "requesting ",
        "request_read_and_idx() start",
        "request_read_and_idx of process 10 timeout 180 space 1000.",
        "request_read_and_idx() end",
        "read_idx_finished() start",
        "read_idx_finished 10.",
        "read_idx_finished() end",
        "write_start() start version='2026'",
        "write_start of process 20. Considered as reading: 10.",
        "write_start() end",
        "write_commit() start 1 2 3 4 5",
        "write_commit of process 20.",
        "write_commit() end",
        "read_finished 2 1 7 :: 12 34",
        "read_finished() start",
        "read_finished of process 10.",
        "read_finished() end",
        "requesting ",
        "request_read_and_idx() start",
        "request_read_and_idx of process 10 timeout 180 space 1000.",
        "request_read_and_idx() end",
        "read_aborted of process 10.",
    ]
