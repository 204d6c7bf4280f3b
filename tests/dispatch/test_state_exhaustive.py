"""Every reachable state of two writers, a reader, an operator and the recovery, in every order of events."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator

from osm3s.dispatch.connection import Role
from osm3s.dispatch.recovery import Outcome
from osm3s.dispatch.version import Version
from osm3s.dispatch.writer import Phase

from .world import CLAIM, World

WRITERS = (1, 2)
READER = 3
OPERATOR = 4
HOLDING = (Role.OPENING, Role.READING)

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


def key(world: World) -> str:
    """What distinguishes two worlds: not their logs, nor how high the version is, nor which writer is which."""
    return min(_key(world, {}), _key(world, {1: 2, 2: 1, 10: 20, 20: 10}))


def _key(world: World, renamed: dict[int, int]) -> str:
    def names(numbers: Iterable[int]) -> list[int]:
        return [renamed.get(number, number) for number in numbers]

    state, current = world.state, world.state.writer.version.txn_id
    connections = sorted(
        (renamed.get(conn, conn), each.role.value, each.role in HOLDING and min(2, current - each.snapshot))
        for conn, each in state.connections.items()
    )
    writer = (state.writer.phase.value, names((state.writer.pid, state.writer.conn, world.lock_pid)))
    processes = [sorted(names(pids)) for pids in (world.running, world.killed, world.watched)]
    flags = (
        world.recoveries_running,
        state.stopping,
        world.stopped,
        state.writer.kill_s,
        world.state.readers.survivors,
    )
    return repr((connections, writer, names(state.writer.waiting), processes, flags))


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
