"""The dispatcher's state machine: who reads, who writes, who waits. No I/O and no clock: time comes as an argument.

Every method is one event; it returns the effects to carry out, in order. Connections are numbers that are never
used twice; a process is known by its pid for logs, and for making sure that it has ended.

A reader (one per connection)::

                 read_start                  read_idx_finished
        idle ─────────────────────► opening ───────────────────► reading
         ▲ │ admission: wait   granted ▲ │                          │
         │ └────────────────► waiting ─┘ │ read_finished,           │
         └───────────────────────────────┴ connection gone, purge ──┘

The writer (one for the whole database; further ones wait in the order of their coming)::

              write_start            write_commit              write_done: publish
        free ─────────────► writing ─────────────► committing ────────────────────► free
                               │ │                    │ │
              write_rollback   │ │                    │ │ connection gone, write_rollback
        free ◄─────────────────┘ └─────────┬──────────┼─┘
                    connection gone        │          │ purge, protocol error:
                                           │          ▼ the process may still write
             recovered                     ▼   gone
        free ◄───────────────────── recovering ◄────── fencing   until its process has ended
                                      ▲    │
                next write_start      │    ▼ recovery failed
                                      broken     (reading goes on)

* A commit never waits for readers and a reader never waits for a commit: the index gives each its own snapshot.
  Until a reader has told its snapshot it counts for the version that was current when it was admitted.
* Start-up begins in `recovering`; or in `fencing`, if the writer of a killed dispatcher still runs. Readers of a
  killed dispatcher ("survivors") hold their snapshot until their process ends, or for `purge_timeout_s`.
* A session that is silent for `purge_timeout_s` is purged. A purged reader is forgotten; a purged writer is killed,
  because nobody else may write before it has certainly stopped.
"""

from __future__ import annotations

from math import inf

from osm3s.dispatch import effects as do
from osm3s.dispatch.admission import Admission, Claim
from osm3s.dispatch.connection import REFUSAL_TEXTS, Connection, Role
from osm3s.dispatch.effects import Effect
from osm3s.dispatch.readers import Readers
from osm3s.dispatch.recovery import Outcome
from osm3s.dispatch.version import Version
from osm3s.dispatch.writer import Phase, Writer

DEFAULT_PURGE_TIMEOUT_S = 900.0
SHUTDOWN_S = 5.0
"""How long a writer may take to finish or roll back when the dispatcher stops."""
CYCLES_PER_S = 100
"""The unit of the waiting time in the reference's log."""


class State:
    def __init__(
        self, admission: Admission, version: Version | None = None, purge_timeout_s: float = DEFAULT_PURGE_TIMEOUT_S
    ) -> None:
        self.purge_timeout_s = purge_timeout_s
        self.connections: dict[int, Connection] = {}
        self.readers = Readers(admission, purge_timeout_s)
        self.writer = Writer(version or Version(), purge_timeout_s)
        self.stopping = False
        self.wake_s = inf
        """`tick` has something to do at this time, at the earliest."""
        self._stop_s = inf
        self._stopped = False

    # --- start and end ----------------------------------------------------------------------------------------------

    def start(self, survivors: dict[int, int], writer_pid: int, now_s: float, *, alone: bool = False) -> list[Effect]:
        """Begin. `survivors` and `writer_pid` (0: none) are processes that an earlier dispatcher left behind.

        alone: not an earlier dispatcher, the writer has begun without one.
        """
        watch = self.readers.left_behind(survivors, now_s)
        writer = self.writer.left_behind(writer_pid, now_s, alone=alone) if writer_pid else self.writer.recover()
        return self._settled([*watch, *writer], now_s)

    def shut_down(self, now_s: float) -> list[Effect]:
        """Stop serving; the writer gets `SHUTDOWN_S` to come to an end."""
        if self.stopping:
            return []
        self.stopping = True
        self._stop_s = now_s + SHUTDOWN_S
        out: list[Effect] = [do.StopListening(), self._shutdown_line(now_s), *self.readers.refuse_all()]
        out += self.writer.refuse_all("terminating", REFUSAL_TEXTS["terminating"])
        if self.writer.phase is Phase.WRITING:
            out.append(do.AskToEnd(self.writer.pid))
        return self._settled(out, now_s)

    def _shutdown_line(self, now_s: float) -> Effect:
        cycles = max(0, round((self._stop_s - now_s) * CYCLES_PER_S))
        return do.DatabaseLog(f"Shutdown triggered. Waiting {cycles} cycles for writing process {self.writer.pid}.")

    def _settled(self, out: list[Effect], now_s: float) -> list[Effect]:
        """Every event ends here: what has become possible by it happens now."""
        out += self.writer.grant_next(self.readers, now_s)
        busy = self.writer.phase in (Phase.WRITING, Phase.COMMITTING, Phase.RECOVERING)
        if self.stopping and not self._stopped and (not busy or now_s >= self._stop_s):
            self._stopped = True
            out += [self._shutdown_line(now_s), do.Stop()]
        stop_s = inf if self._stopped else self._stop_s
        # a session whose time-out begins now cannot be due before now + purge_timeout_s
        self.wake_s = min(self.wake_s, now_s + self.purge_timeout_s, stop_s, self.readers.ask_again_s())
        return out

    # --- connections ------------------------------------------------------------------------------------------------

    def is_idle(self, conn: int) -> bool:
        """Whether this connection neither holds anything nor waits for it."""
        return self.connections[conn].role is Role.IDLE

    def connected(self, conn: int, pid: int, now_s: float) -> list[Effect]:
        self.connections[conn] = Connection(conn, pid, now_s)
        return []

    def closed(self, conn: int, now_s: float) -> list[Effect]:
        """The client has closed its end or has died."""
        connection = self.connections.get(conn)
        if connection is None:
            return []
        aborted = connection.role in (Role.OPENING, Role.READING, Role.WAITING_TO_READ)
        line = do.DatabaseLog(f"{'read_aborted' if aborted else 'hangup'} of process {connection.pid}.")
        out: list[Effect] = [] if connection.role is Role.IDLE else [line]
        return self._settled(out + self._drop(connection, now_s, fence=False), now_s)

    def violated(self, conn: int, why: str, now_s: float) -> list[Effect]:
        """The client broke the protocol; its connection ends."""
        connection = self.connections.get(conn)
        if connection is None:
            return []
        line = do.DatabaseLog(f"protocol error from {connection.pid}: {why}; connection closed.")
        return self._settled([line, do.Close(conn), *self._drop(connection, now_s, fence=True)], now_s)

    def purge(self, conn: int, pid: int, now_s: float) -> list[Effect]:
        """An operator asks, on connection `conn`, to forget a process."""
        self._heard(conn, now_s)
        sessions = (each for each in self.connections.values() if each.role is not Role.IDLE and each.number != conn)
        found = [each for each in sessions if each.pid == pid]
        out = [effect for each in found for effect in self._purge(each, now_s)]
        forgotten = len(found)
        if self.readers.survivors.pop(pid, None) is not None:
            forgotten += 1
            out.append(do.DatabaseLog(f"purge of process {pid}."))
        if self.writer.kill_s < inf and self.writer.pid == pid:
            forgotten += 1
            out += self.writer.kill_left_behind()
        return self._settled([*out, do.Reply(conn, ("ok", forgotten))], now_s)

    def _purge(self, connection: Connection, now_s: float) -> list[Effect]:
        conn = connection.number
        return [
            do.DatabaseLog(f"purge of process {connection.pid}."),
            do.Reply(conn, ("refused", "purged", REFUSAL_TEXTS["purged"])),
            do.Close(conn),
            *self._drop(connection, now_s, fence=True),
        ]

    def _drop(self, connection: Connection, now_s: float, *, fence: bool) -> list[Effect]:
        """Forget a connection and give back what it held.

        fence: it was us who dropped it, so its process may still be at work.
        """
        conn = connection.number
        del self.connections[conn]
        match connection.role:
            case Role.OPENING | Role.READING:
                released = self.readers.release(conn, now_s, finished=False)
                return released + self.readers.admit_waiting(self.writer.version, now_s)
            case Role.WAITING_TO_READ:
                self.readers.forget_waiting(conn)
            case Role.WAITING_TO_WRITE:
                del self.writer.waiting[conn]
            case Role.WRITER:
                return self.writer.lost(connection.pid, fence=fence)
        return []

    def process_gone(self, pid: int, now_s: float) -> list[Effect]:
        """A watched process has ended. Its sockets may still be open in processes it has forked."""
        self.readers.survivors.pop(pid, None)
        if pid != self.writer.pid:
            return self._settled([], now_s)
        if self.writer.phase is Phase.FENCING:
            return self._settled(self.writer.recover(), now_s)
        if self.writer.conn:
            return [do.Close(self.writer.conn), *self.closed(self.writer.conn, now_s)]
        return self._settled([], now_s)

    def prolongate(self, conn: int, now_s: float) -> list[Effect]:
        connection = self._heard(conn, now_s)
        return self._settled([do.DatabaseLog(f"prolongate of process {connection.pid}.")], now_s)

    def tick(self, now_s: float) -> list[Effect]:
        """Do what is due by now."""
        out: list[Effect] = []
        for connection in list(self.connections.values()):
            if connection.holds and connection.heard_s + self.purge_timeout_s <= now_s:
                out += self._purge(connection, now_s)
        if self.writer.kill_s <= now_s:
            out += self.writer.kill_left_behind()
        if self.readers.forget_survivors_s <= now_s:
            out += self.readers.forget_survivors()
        if self.readers.ask_again_s() <= now_s:
            out += self.readers.admit_waiting(self.writer.version, now_s)
        heard_s = min((each.heard_s for each in self.connections.values() if each.holds), default=inf)
        self.wake_s = min(heard_s + self.purge_timeout_s, self.writer.kill_s, self.readers.forget_survivors_s)
        return self._settled(out, now_s)

    def _heard(self, conn: int, now_s: float) -> Connection:
        connection = self.connections[conn]
        connection.heard_s = now_s
        return connection

    def _out_of_turn(self, connection: Connection, request: str, now_s: float) -> list[Effect]:
        role, phase = connection.role.value, self.writer.phase.value
        return self.violated(connection.number, f"{request} while {role} (permission to write: {phase})", now_s)

    # --- readers ----------------------------------------------------------------------------------------------------

    def read_start(self, conn: int, claim: Claim, now_s: float) -> list[Effect]:
        connection = self._heard(conn, now_s)
        if connection.role is not Role.IDLE:
            return self._out_of_turn(connection, "read_start", now_s)
        out = self.readers.ask(connection, claim, now_s)
        if self.stopping:
            return self._settled(out + self.readers.refuse_all(), now_s)
        return self._settled(out + self.readers.admit(connection, self.writer.version, now_s), now_s)

    def read_idx_finished(self, conn: int, snapshot: int, now_s: float) -> list[Effect]:
        connection = self._heard(conn, now_s)
        if connection.role is not Role.OPENING:
            return self._out_of_turn(connection, "read_idx_finished", now_s)
        older = self.writer.opened_older() if snapshot < connection.snapshot else []
        return self._settled(self.readers.opened(connection, snapshot) + older, now_s)

    def read_finished(self, conn: int, statistics: str, now_s: float) -> list[Effect]:
        """statistics: blocks read and CPU milliseconds, as they shall stand in transactions.log."""
        connection = self._heard(conn, now_s)
        if connection.role not in (Role.OPENING, Role.READING):
            return self._out_of_turn(connection, "read_finished", now_s)
        out = self.readers.finished(connection, statistics, now_s)
        return self._settled(out + self.readers.admit_waiting(self.writer.version, now_s), now_s)

    def limits_changed(self, now_s: float) -> list[Effect]:
        return self._settled(self.readers.admit_waiting(self.writer.version, now_s), now_s)

    # --- the writer -------------------------------------------------------------------------------------------------

    def write_start(self, conn: int, data_timestamp: str, now_s: float) -> list[Effect]:
        connection = self._heard(conn, now_s)
        if connection.role is not Role.IDLE:
            return self._out_of_turn(connection, "write_start", now_s)
        out = self.writer.ask(connection, data_timestamp)
        if self.stopping:
            out += self.writer.refuse_all("terminating", REFUSAL_TEXTS["terminating"])
        return self._settled(out, now_s)

    def lock_refused(self, conn: int, why: str, now_s: float) -> list[Effect]:
        """The writer's lock could not be created."""
        return self._settled(self.writer.lock_refused(self.connections[conn], why), now_s)

    def write_commit(self, conn: int, statistics: str, now_s: float) -> list[Effect]:
        """The change is complete on disk. From now on it is merged rather than undone should the writer die."""
        connection = self._heard(conn, now_s)
        if connection.role is not Role.WRITER or self.writer.phase is not Phase.WRITING:
            return self._out_of_turn(connection, "write_commit", now_s)
        return self._settled(self.writer.commit(connection, statistics), now_s)

    def write_done(self, conn: int, version: Version, now_s: float) -> list[Effect]:
        """The commit is merged: publish it."""
        connection = self._heard(conn, now_s)
        if connection.role is not Role.WRITER or self.writer.phase is not Phase.COMMITTING:
            return self._out_of_turn(connection, "write_done", now_s)
        return self._settled(self.writer.done(connection, version), now_s)

    def write_rollback(self, conn: int, now_s: float) -> list[Effect]:
        """The writer has undone its change."""
        connection = self._heard(conn, now_s)
        if connection.role is not Role.WRITER:
            return self._out_of_turn(connection, "write_rollback", now_s)
        return self._settled(self.writer.roll_back(connection), now_s)

    def recovered(self, outcome: Outcome, now_s: float) -> list[Effect]:
        return self._settled(self.writer.recovered(outcome), now_s)

    def recovery_failed(self, why: str, now_s: float) -> list[Effect]:
        """No writing is possible; the next writer that asks makes us try again."""
        return self._settled(self.writer.broken(why), now_s)
