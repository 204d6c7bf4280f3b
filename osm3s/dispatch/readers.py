"""Who reads which snapshot, and who waits to be admitted. Part of the state machine: see the diagram in `state`."""

from __future__ import annotations

from math import inf

from osm3s.dispatch import effects as do
from osm3s.dispatch.admission import Admission, Claim, Granted, Refused, Wait
from osm3s.dispatch.connection import REFUSAL_TEXTS, Connection, Role
from osm3s.dispatch.effects import Effect
from osm3s.dispatch.histogram import Histogram
from osm3s.dispatch.version import Version


class Readers:
    def __init__(self, admission: Admission, purge_timeout_s: float) -> None:
        self.admission = admission
        self.active: dict[int, Connection] = {}
        """Those that are opening or reading a snapshot."""
        self.waiting: dict[int, Connection] = {}
        self.waits, self.durations = Histogram(), Histogram()
        """Of queries: until they were granted, and from then to their end."""
        self.survivors: dict[int, int] = {}
        """pid to snapshot of readers that were admitted by a dispatcher that was killed."""
        self.forget_survivors_s = inf
        self._purge_timeout_s = purge_timeout_s

    def left_behind(self, survivors: dict[int, int], now_s: float) -> list[Effect]:
        """Readers that a killed dispatcher had admitted: they cannot tell us when they end, but their process can."""
        self.survivors.update(survivors)
        self.forget_survivors_s = now_s + self._purge_timeout_s if survivors else inf
        return [do.WatchProcess(pid) for pid in survivors]

    def forget_survivors(self) -> list[Effect]:
        """They have been silent for as long as a reader may be."""
        lines: list[Effect] = [do.DatabaseLog(f"purge of process {pid}.") for pid in self.survivors]
        self.survivors.clear()
        self.forget_survivors_s = inf
        return lines

    @property
    def count(self) -> int:
        return len(self.active) + len(self.survivors)

    def oldest_snapshot(self, current: int) -> int:
        """No reader sees anything older than this version."""
        return min([current, *(reader.snapshot for reader in self.active.values()), *self.survivors.values()])

    def ask_again_s(self) -> float:
        return min((connection.ask_again_s for connection in self.waiting.values()), default=inf)

    def ask(self, connection: Connection, claim: Claim, now_s: float) -> list[Effect]:
        connection.role, connection.claim, connection.since_s = Role.WAITING_TO_READ, claim, now_s
        self.waiting[connection.number] = connection
        return [
            do.TransactionsLog(connection.pid, "requesting ", claim.query_text),
            do.DatabaseLog("request_read_and_idx() start", connection.pid),
        ]

    def admit(self, connection: Connection, version: Version, now_s: float) -> list[Effect]:
        """Ask admission about a waiting query."""
        assert connection.claim is not None
        match self.admission.request(connection.number, connection.claim, connection.since_s, now_s):
            case Wait(until_s):
                connection.ask_again_s = until_s
                return []
            case Refused(reason, retry_after_s):
                return self._refuse(connection, reason, retry_after_s)
            case Granted():
                return self._grant(connection, connection.claim, version, now_s)

    def admit_waiting(self, version: Version, now_s: float) -> list[Effect]:
        return [effect for each in list(self.waiting.values()) for effect in self.admit(each, version, now_s)]

    def _grant(self, connection: Connection, claim: Claim, version: Version, now_s: float) -> list[Effect]:
        conn, pid = connection.number, connection.pid
        self.waits.add(now_s - connection.since_s)
        del self.waiting[conn]
        self.active[conn] = connection
        connection.role, connection.snapshot, connection.ask_again_s = Role.OPENING, version.txn_id, inf
        connection.since_s = connection.heard_s = now_s
        line = f"request_read_and_idx of process {pid} timeout {claim.timeout_s} space {claim.maxsize_bytes}."
        return [
            do.ListReader(conn, pid, version.txn_id),
            do.Reply(conn, ("granted", self._purge_timeout_s, *version)),
            do.DatabaseLog(line),
            do.DatabaseLog("request_read_and_idx() end", pid),
        ]

    def _refuse(self, connection: Connection, reason: str, retry_after_s: int = 0) -> list[Effect]:
        assert connection.claim is not None
        del self.waiting[connection.number]
        line = do.TransactionsLog(connection.pid, f"{reason} {connection.claim.log_suffix()}")
        connection.becomes_idle()
        return [
            do.Reply(connection.number, ("refused", reason, REFUSAL_TEXTS.get(reason, reason), retry_after_s)),
            line,
        ]

    def refuse_all(self) -> list[Effect]:
        """The dispatcher stops."""
        out: list[Effect] = []
        for connection in list(self.waiting.values()):
            self.admission.forget(connection.number)
            out += self._refuse(connection, "terminating")
        return out

    def opened(self, connection: Connection, snapshot: int) -> list[Effect]:
        connection.role, connection.snapshot = Role.READING, snapshot
        pid = connection.pid
        return [
            do.ListReader(connection.number, pid, snapshot),
            do.DatabaseLog("read_idx_finished() start", pid),
            do.DatabaseLog(f"read_idx_finished {pid}."),
            do.DatabaseLog("read_idx_finished() end", pid),
        ]

    def finished(self, connection: Connection, statistics: str, now_s: float) -> list[Effect]:
        assert connection.claim is not None
        pid, suffix = connection.pid, connection.claim.log_suffix()
        connection.becomes_idle()
        return [
            do.TransactionsLog(pid, f"read_finished {suffix} {statistics}".rstrip()),
            do.DatabaseLog("read_finished() start", pid),
            do.DatabaseLog(f"read_finished of process {pid}."),
            do.DatabaseLog("read_finished() end", pid),
            *self.release(connection.number, now_s, finished=True),
        ]

    def release(self, conn: int, now_s: float, *, finished: bool) -> list[Effect]:
        self.durations.add(now_s - self.active.pop(conn).since_s)
        self.admission.release(conn, now_s, finished=finished)
        return [do.UnlistReader(conn)]

    def forget_waiting(self, conn: int) -> None:
        del self.waiting[conn]
        self.admission.forget(conn)
