"""Who may write, who waits for it, and which version is published. Part of the state machine: see `state`."""

from __future__ import annotations

from enum import Enum
from math import inf

from osm3s.dispatch import effects as do
from osm3s.dispatch.connection import Connection, Role
from osm3s.dispatch.effects import Effect
from osm3s.dispatch.readers import Readers
from osm3s.dispatch.recovery import Outcome
from osm3s.dispatch.version import Version

PATIENCE_S = 1e9
"""With a process that writes without a dispatcher: an operator may end it, nobody else."""


class Phase(Enum):
    """Of the permission to write."""

    FREE = "free"
    WRITING = "writing"
    COMMITTING = "committing"
    FENCING = "fencing"
    RECOVERING = "recovering"
    BROKEN = "broken"


class Writer:
    def __init__(self, version: Version, purge_timeout_s: float) -> None:
        self.version = version
        self.phase = Phase.RECOVERING
        self.pid = 0
        self.conn = 0
        self.waiting: dict[int, Connection] = {}
        self.kill_s = inf
        """When a writer that a killed dispatcher left behind is no longer waited for."""
        self._purge_timeout_s = purge_timeout_s

    def left_behind(self, pid: int, now_s: float, *, alone: bool) -> list[Effect]:
        """Wait for the end of a process that writes since before this dispatcher started.

        alone: it has never had a dispatcher, so it gives no signs of life and may take its time.
        """
        patience_s = PATIENCE_S if alone else self._purge_timeout_s
        self.phase, self.pid, self.kill_s = Phase.FENCING, pid, now_s + patience_s
        text = f"Waiting for the end of process {pid}, which writes since before this dispatcher started."
        return [do.DatabaseLog(text), do.WatchProcess(pid)]

    def ask(self, connection: Connection, data_timestamp: str) -> list[Effect]:
        connection.role = Role.WAITING_TO_WRITE
        self.waiting[connection.number] = connection
        out: list[Effect] = [do.DatabaseLog(f"write_start() start version='{data_timestamp}'", connection.pid)]
        session_over = self.phase is Phase.FENCING and self.kill_s < inf and connection.pid == self.pid
        if session_over or self.phase is Phase.BROKEN:
            # the first means: the process left behind asks anew, so it has given up what it did for the old dispatcher
            out += self.recover()
        return out

    def grant_next(self, readers: Readers, now_s: float) -> list[Effect]:
        if self.phase is not Phase.FREE or not self.waiting:
            return []
        connection = self.waiting.pop(next(iter(self.waiting)))
        connection.role, connection.heard_s = Role.WRITER, now_s
        self.phase, self.pid, self.conn = Phase.WRITING, connection.pid, connection.number
        reading = "".join(f" {reader.pid}" for reader in readers.active.values())
        oldest = readers.oldest_snapshot(self.version.txn_id)
        return [
            do.GrantWrite(self.conn, self.pid, ("granted", self._purge_timeout_s, oldest, *self.version)),
            do.DatabaseLog(f"write_start of process {self.pid}. Considered as reading:{reading}."),
            do.DatabaseLog("write_start() end", self.pid),
        ]

    def lock_refused(self, connection: Connection, why: str) -> list[Effect]:
        connection.becomes_idle()
        self._free()
        return [do.DatabaseLog(f"write_start failed: {why}"), do.Reply(connection.number, ("refused", "lock", why))]

    def commit(self, connection: Connection, statistics: str) -> list[Effect]:
        self.phase = Phase.COMMITTING
        line = do.DatabaseLog(f"write_commit() start {statistics}".rstrip(), connection.pid)
        return [do.Reply(connection.number, ("granted",)), line]

    def done(self, connection: Connection, version: Version) -> list[Effect]:
        connection.becomes_idle()
        told: list[Effect] = [
            do.Reply(connection.number, ("ok",)),
            do.DatabaseLog(f"write_commit of process {connection.pid}."),
            do.DatabaseLog("write_commit() end", connection.pid),
        ]
        if version.txn_id < self.version.txn_id:  # it has written into another database: what the index says counts
            return [*told, *self.recover()]
        self._free()
        return [*self._publish(version), do.ReleaseLock(), *told]

    def roll_back(self, connection: Connection) -> list[Effect]:
        connection.becomes_idle()
        out: list[Effect] = [
            do.DatabaseLog("write_rollback() start", connection.pid),
            do.DatabaseLog(f"write_rollback of process {connection.pid}."),
            do.DatabaseLog("write_rollback() end", connection.pid),
            do.Reply(connection.number, ("ok",)),
        ]
        if self.phase is Phase.COMMITTING:
            return out + self.recover()  # it was merging: only the index itself can tell what became of it
        self._free()
        return [*out, do.ReleaseLock()]

    def lost(self, pid: int, *, fence: bool) -> list[Effect]:
        """The connection of the writer is gone. fence: its process may still be at work."""
        self.conn = 0
        line = do.DatabaseLog(f"write_rollback of process {pid}.")
        if not fence:
            return [line, *self.recover()]
        self.phase = Phase.FENCING
        return [line, do.KillProcess(pid)]

    def kill_left_behind(self) -> list[Effect]:
        self.kill_s = inf
        return [do.DatabaseLog(f"purge of process {self.pid}."), do.KillProcess(self.pid)]

    def recover(self) -> list[Effect]:
        self.phase, self.conn, self.kill_s = Phase.RECOVERING, 0, inf
        return [do.Recover()]

    def recovered(self, outcome: Outcome) -> list[Effect]:
        self._free()
        out = self._replaced(outcome.version) if outcome.version else []
        out += self._publish(outcome.version) if outcome.version else []
        out.append(do.ReleaseLock())
        if outcome.action != "clean":
            out.append(do.DatabaseLog(f"recovery: {outcome.action}."))
        return out

    def broken(self, why: str) -> list[Effect]:
        self._free()
        self.phase = Phase.BROKEN
        return [do.DatabaseLog(f"recovery failed: {why}"), *self.refuse_all("recovery_failed", why)]

    def refuse_all(self, reason: str, sentence: str) -> list[Effect]:
        out: list[Effect] = []
        for connection in self.waiting.values():
            connection.becomes_idle()
            out.append(do.Reply(connection.number, ("refused", reason, sentence)))
        self.waiting.clear()
        return out

    def opened_older(self) -> list[Effect]:
        """A reader has opened an older version than the one there was when it was admitted: look what is there now."""
        return self.recover() if self.phase is Phase.FREE else []

    def _replaced(self, found: Version) -> list[Effect]:
        """Versions only grow, so a smaller one is of another database that has been put in the place of the old one."""
        if found.txn_id >= self.version.txn_id:
            return []
        old, new = (f"version {v.txn_id} of {v.timestamp or '?'}" for v in (self.version, found))
        text = f"The database has been replaced: {old} was here, {new} is. Going on with that one."
        self.version = found
        return [do.DatabaseLog(text), do.Publish(found)]

    def _publish(self, version: Version) -> list[Effect]:
        if version.txn_id <= self.version.txn_id:
            return []
        self.version = version
        return [do.Publish(version)]

    def _free(self) -> None:
        self.phase, self.pid, self.conn = Phase.FREE, 0, 0
