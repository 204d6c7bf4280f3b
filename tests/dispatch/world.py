"""The surroundings of the state machine, simulated: carries out effects at once and objects to what must not happen."""

from __future__ import annotations

from osm3s.dispatch import effects as do
from osm3s.dispatch.admission import Admission, Claim, OpenAdmission
from osm3s.dispatch.connection import Role
from osm3s.dispatch.recovery import Outcome
from osm3s.dispatch.state import State
from osm3s.dispatch.version import Version
from osm3s.dispatch.writer import Phase

CLAIM = Claim(180, 1000, token=7, full_hash=1, anonymous_hash=2)
ANSWERED = {"read_start", "write_start", "write_commit", "write_done", "write_rollback", "purge"}


class World:
    def __init__(self, admission: Admission | None = None, purge_timeout_s: float = 100.0) -> None:
        self.state = State(admission or OpenAdmission(), purge_timeout_s=purge_timeout_s)
        self.now_s = 0.0
        self.running: set[int] = set()
        """pids of processes that have not ended."""
        self.may_write: set[int] = set()
        """pids of processes that believe to have the permission to write."""
        self.asked: dict[int, str] = {}
        self.answers: dict[int, list[tuple[object, ...]]] = {}
        self.lock_pid = 0
        self.recoveries_running = 0
        self.published: list[int] = []
        self.listed: dict[int, int] = {}
        self.watched: set[int] = set()
        self.killed: set[int] = set()
        self.asked_to_end: set[int] = set()
        self.log: list[str] = []
        self.listening = True
        self.stopped = False

    # --- events -----------------------------------------------------------------------------------------------------

    def start(self, survivors: dict[int, int] | None = None, writer_pid: int = 0, alone: bool = False) -> None:
        self.running |= set(survivors or {}) | ({writer_pid} - {0})
        self.may_write |= {writer_pid} - {0}
        self.lock_pid = writer_pid
        self.carry_out(self.state.start(survivors or {}, writer_pid, self.now_s, alone=alone))

    def connect(self, conn: int, pid: int | None = None) -> None:
        pid = conn * 10 if pid is None else pid
        self.running.add(pid)
        self.answers.setdefault(conn, [])
        self.carry_out(self.state.connected(conn, pid, self.now_s))

    def ask(self, conn: int, request: str, *arguments: object) -> None:
        assert conn not in self.asked, "a client waits for its answer"
        if request in ANSWERED:
            self.asked[conn] = request
        if request in ("write_rollback", "write_done") or (request == "write_start" and not self.killed):
            self.may_write.discard(self.pid(conn))  # it says itself that it has stopped
        self.carry_out(getattr(self.state, request)(conn, *arguments, self.now_s))

    def close(self, conn: int) -> None:
        """The client ends its connection in a living process, which has stopped whatever it did."""
        self.asked.pop(conn, None)
        self.may_write.discard(self.pid(conn))
        self.carry_out(self.state.closed(conn, self.now_s))

    def violate(self, conn: int) -> None:
        self.carry_out(self.state.violated(conn, "nonsense", self.now_s))

    def end_process(self, pid: int) -> None:
        self.running.discard(pid)
        self.may_write.discard(pid)
        for conn, connection in list(self.state.connections.items()):
            if connection.pid == pid:
                self.close(conn)
        if pid in self.watched:
            self.watched.discard(pid)
            self.carry_out(self.state.process_gone(pid, self.now_s))

    def finish_recovery(self, outcome: Outcome | None) -> None:
        """None: it fails."""
        assert self.recoveries_running == 1
        self.recoveries_running = 0
        if outcome is None:
            self.carry_out(self.state.recovery_failed("the disk is full", self.now_s))
        else:
            self.carry_out(self.state.recovered(outcome, self.now_s))

    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        while self.state.wake_s <= self.now_s:
            self.carry_out(self.state.tick(self.now_s))

    def shut_down(self) -> None:
        self.carry_out(self.state.shut_down(self.now_s))

    # --- effects ----------------------------------------------------------------------------------------------------

    def carry_out(self, effects: list[do.Effect]) -> None:
        for effect in effects:
            self._carry_out(effect)
        self.check()

    def _carry_out(self, effect: do.Effect) -> None:
        assert not self.stopped or isinstance(effect, do.DatabaseLog | do.TransactionsLog | do.UnlistReader | do.Recover
                                              | do.ReleaseLock | do.Publish | do.Reply | do.KillProcess)  # fmt: skip
        match effect:
            case do.GrantWrite(conn, pid, message):
                assert not self.may_write, "two processes may write"
                assert not self.recoveries_running, "writing during recovery"
                self.lock_pid = pid
                self.may_write.add(pid)
                self.watched.add(pid)
                self._answer(conn, message)
            case do.Reply(conn, message):
                self._answer(conn, message)
            case do.ReleaseLock():
                self.lock_pid = 0
            case do.Publish(version):
                replaced = bool(self.log) and "has been replaced" in self.log[-1]
                assert replaced or not self.published or version.txn_id > self.published[-1], "published twice"
                self.published.append(version.txn_id)
            case do.Recover():
                assert not self.may_write, "recovery while a process may write"
                assert not self.recoveries_running, "two recoveries"
                self.recoveries_running = 1
            case do.ListReader(conn, _, snapshot):
                self.listed[conn] = snapshot
            case do.UnlistReader(conn):
                del self.listed[conn]
            case do.WatchProcess(pid):
                self.watched.add(pid)
            case do.KillProcess(pid):
                assert pid in self.watched
                self.killed.add(pid)
            case do.AskToEnd(pid):
                self.asked_to_end.add(pid)
            case do.Close(conn):
                self.asked.pop(conn, None)
            case do.DatabaseLog(text, _) | do.TransactionsLog(_, text, _):
                assert text.isprintable()
                self.log.append(text)
            case do.StopListening():
                self.listening = False
            case do.Stop():
                assert not self.stopped
                self.stopped = True

    def _answer(self, conn: int, message: tuple[object, ...]) -> None:
        if message[:2] == ("refused", "purged"):
            return
        assert conn in self.asked, f"an answer nobody waits for: {message}"
        del self.asked[conn]
        self.answers[conn].append(message)

    # --- what must hold at any time ---------------------------------------------------------------------------------

    def check(self) -> None:
        state, readers, writer = self.state, self.state.readers, self.state.writer
        by_role: dict[Role, set[int]] = {role: set() for role in Role}
        for conn, connection in state.connections.items():
            by_role[connection.role].add(conn)
        assert by_role[Role.OPENING] | by_role[Role.READING] == set(readers.active) == set(self.listed)
        assert by_role[Role.WAITING_TO_READ] == set(readers.waiting)
        assert by_role[Role.WAITING_TO_WRITE] == set(writer.waiting)
        assert len(by_role[Role.WRITER]) == (writer.phase in (Phase.WRITING, Phase.COMMITTING))
        assert by_role[Role.WRITER] == ({writer.conn} - {0})
        if by_role[Role.WRITER]:
            assert self.lock_pid == writer.pid == self.pid(writer.conn)
        assert set(self.asked) == set(readers.waiting) | set(writer.waiting), "a client is lost, or answered too early"
        assert (writer.phase is Phase.RECOVERING) == bool(self.recoveries_running)
        if writer.phase in (Phase.FREE, Phase.BROKEN):
            assert not writer.waiting, "a writer waits for nothing"
        oldest = readers.oldest_snapshot(writer.version.txn_id)
        assert all(oldest <= snapshot for snapshot in [*self.listed.values(), *readers.survivors.values()])
        claims = [reader.claim for reader in readers.active.values()]
        assert readers.admission.claimed_space_bytes == sum(claim.maxsize_bytes for claim in claims if claim)
        assert readers.admission.claimed_time_units == sum(claim.timeout_s for claim in claims if claim)

    def end_everything(self) -> None:
        """Whatever has happened: when all processes are gone and recovery has worked, nothing is held."""
        for pid in list(self.running):
            self.end_process(pid)
        while self.recoveries_running:
            self.finish_recovery(Outcome("rolled_back"))
        assert not self.listed and not self.state.connections and not self.state.readers.survivors
        assert self.state.writer.phase in (Phase.FREE, Phase.BROKEN) and self.state.writer.pid == 0
        assert self.state.readers.admission.claimed_space_bytes == 0
        if self.state.writer.phase is Phase.FREE:
            assert self.lock_pid == 0

    def pid(self, conn: int) -> int:
        connection = self.state.connections.get(conn)
        return connection.pid if connection else conn * 10

    def version_after(self) -> Version:
        return Version(self.state.writer.version.txn_id + 1, "2026-11-21T00:00:00Z", "17")
