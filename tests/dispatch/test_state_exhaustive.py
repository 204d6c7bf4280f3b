"""Every reachable state of two writers, a reader, an operator and the recovery, in every order of events."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator

from osm3s.dispatch.connection import Role
from osm3s.dispatch.recovery import Outcome
from osm3s.dispatch.version import Version
from osm3s.dispatch.writer import Phase

from .world import CLAIM, World

WRITERS = (1, 2)
READER = 3
OPERATOR = 4

Step = tuple[str, Callable[[World], None]]


def steps(world: World) -> Iterator[Step]:
    """All that may happen next."""
    state = world.state
    for conn in (*WRITERS, READER):
        connection = state.connections.get(conn)
        if connection is None:
            continue
        yield f"{conn} closes", lambda w, c=conn: w.close(c)
        yield f"{conn} violates", lambda w, c=conn: w.violate(c)
        yield f"operator purges {conn}", lambda w, c=conn: w.ask(OPERATOR, "purge", c * 10)
        if conn in world.asked:
            continue
        match connection.role:
            case Role.IDLE if conn == READER:
                yield "reader starts", lambda w: w.ask(READER, "read_start", CLAIM)
            case Role.IDLE:
                yield f"{conn} asks to write", lambda w, c=conn: w.ask(c, "write_start", "")
            case Role.OPENING:
                txn_id = state.writer.version.txn_id
                yield "reader opens", lambda w, t=txn_id: w.ask(READER, "read_idx_finished", t)
            case Role.READING:
                yield "reader finishes", lambda w: w.ask(READER, "read_finished", "")
            case Role.WRITER:
                yield f"{conn} rolls back", lambda w, c=conn: w.ask(c, "write_rollback")
                if state.writer.phase is Phase.WRITING:
                    yield f"{conn} commits", lambda w, c=conn: w.ask(c, "write_commit", "")
                else:
                    yield f"{conn} is done", lambda w, c=conn: w.ask(c, "write_done", w.version_after())
    for pid in world.running - {OPERATOR * 10}:
        yield f"{pid} ends", lambda w, p=pid: w.end_process(p)
    if world.recoveries_running:
        yield "recovery works", lambda w: w.finish_recovery(Outcome("clean"))
        yield "recovery merges", lambda w: w.finish_recovery(Outcome("rolled_forward", w.version_after()))
        yield "recovery fails", lambda w: w.finish_recovery(None)
    if not state.stopping:
        yield "shutdown", World.shut_down


def key(world: World) -> tuple[object, ...]:
    """What distinguishes two worlds: not their logs, and not how high the version is (only who sees which)."""
    state, current = world.state, world.state.writer.version.txn_id
    connections = tuple(
        (conn, each.role, min(2, current - each.snapshot) if each.role in (Role.OPENING, Role.READING) else 0)
        for conn, each in sorted(state.connections.items())
    )
    held = (world.lock_pid, world.recoveries_running, frozenset(world.running), frozenset(world.killed))
    writer = (state.writer.phase, state.writer.pid, state.writer.conn, tuple(state.writer.waiting))
    return (connections, writer, *held, frozenset(world.watched), state.stopping, world.stopped)


def explore(first: World) -> int:
    """Check all worlds that can be reached. Returns how many there are."""
    seen = {key(first)}
    frontier = [pickle.dumps(first)]
    while frontier:
        frozen = frontier.pop()
        world: World = pickle.loads(frozen)
        if world.stopped:
            continue
        names = [name for name, _ in steps(world)]
        for number, name in enumerate(names):
            after: World = pickle.loads(frozen)
            list(steps(after))[number][1](after)
            after.log.append(name)
            if key(after) in seen:
                continue
            seen.add(key(after))
            after.log.clear()
            after.answers = {conn: [] for conn in after.answers}
            after.published = after.published[-1:]
            frontier.append(pickle.dumps(after))
            after.end_everything()
    return len(seen)


def test_every_order_of_events() -> None:
    world = World()
    world.start()
    world.finish_recovery(Outcome("clean", Version(5)))
    for conn in (*WRITERS, READER, OPERATOR):
        world.connect(conn)
    assert explore(world) > 1000


def test_every_order_of_events_after_a_killed_dispatcher() -> None:
    world = World()
    world.start(survivors={70: 3}, writer_pid=20)
    for conn in (*WRITERS, OPERATOR):
        world.connect(conn)
    assert explore(world) > 100
