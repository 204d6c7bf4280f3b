"""Long random histories of many clients, with time passing and an admission that makes queries wait."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from osm3s.dispatch.admission import Claim, Granted, OpenAdmission, Refused, Verdict, Wait
from osm3s.dispatch.connection import Role
from osm3s.dispatch.recovery import Outcome
from osm3s.dispatch.version import Version
from osm3s.dispatch.writer import Phase

from .world import CLAIM, World

WAIT_S = 15.0


class TwoAtATime(OpenAdmission):
    """Two queries at a time; who has waited for 15 s is refused. What a later admission may do, in small."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: set[int] = set()

    def request(self, conn: int, claim: Claim, since_s: float, now_s: float) -> Verdict:
        self.waiting.discard(conn)
        if self.claimed_time_units < 2 * CLAIM.timeout_s:
            granted = super().request(conn, claim, since_s, now_s)
            assert isinstance(granted, Granted)
            return granted
        if now_s - since_s >= WAIT_S:
            self.rate_limited += 1
            return Refused("rate_limited")
        self.waiting.add(conn)
        return Wait(since_s + WAIT_S)

    def forget(self, conn: int) -> None:
        self.waiting.discard(conn)


class Clients(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.admission = TwoAtATime()
        self.world = World(self.admission, purge_timeout_s=50.0)
        self.world.start()
        self.world.finish_recovery(Outcome("clean", Version(1)))
        self.last_conn = 0

    def connections(self, *roles: Role) -> list[int]:
        state = self.world.state
        return [conn for conn, each in state.connections.items() if each.role in roles and conn not in self.world.asked]

    @rule(shared=st.booleans())
    def connect(self, shared: bool) -> None:
        """Half of the clients share their process with another one."""
        self.last_conn += 1
        self.world.connect(self.last_conn, 5 if shared else self.last_conn * 10)

    @rule(data=st.data())
    @precondition(lambda self: self.connections(Role.IDLE))
    def start_reading(self, data: st.DataObject) -> None:
        self.world.ask(data.draw(st.sampled_from(self.connections(Role.IDLE))), "read_start", CLAIM)

    @rule(data=st.data())
    @precondition(lambda self: self.connections(Role.OPENING))
    def open_snapshot(self, data: st.DataObject) -> None:
        conn = data.draw(st.sampled_from(self.connections(Role.OPENING)))
        newer = data.draw(st.integers(0, 1))
        self.world.ask(conn, "read_idx_finished", self.world.state.writer.version.txn_id + newer)

    @rule(data=st.data())
    @precondition(lambda self: self.connections(Role.READING, Role.OPENING))
    def finish_reading(self, data: st.DataObject) -> None:
        conn = data.draw(st.sampled_from(self.connections(Role.READING, Role.OPENING)))
        self.world.ask(conn, "read_finished", "1 2")

    @rule(data=st.data())
    @precondition(lambda self: self.connections(Role.IDLE))
    def start_writing(self, data: st.DataObject) -> None:
        self.world.ask(data.draw(st.sampled_from(self.connections(Role.IDLE))), "write_start", "t")

    @rule(proceed=st.sampled_from(("on", "on", "on", "back")))
    @precondition(lambda self: self.connections(Role.WRITER))
    def go_on_writing(self, proceed: str) -> None:
        (conn,) = self.connections(Role.WRITER)
        if proceed == "back":
            self.world.ask(conn, "write_rollback")
        elif self.world.state.writer.phase is Phase.WRITING:
            self.world.ask(conn, "write_commit", "")
        else:
            self.world.ask(conn, "write_done", self.world.version_after())

    @rule(data=st.data())
    @precondition(lambda self: self.connections(*Role))
    def prolongate(self, data: st.DataObject) -> None:
        self.world.ask(data.draw(st.sampled_from(self.connections(*Role))), "prolongate")

    @rule(data=st.data(), request=st.sampled_from(("read_finished", "write_commit", "write_start", "opened")))
    @precondition(lambda self: self.connections(*Role))
    def ask_out_of_turn(self, data: st.DataObject, request: str) -> None:
        """Any request at any time: it is carried out if it fits and ends the connection if it does not."""
        conn = data.draw(st.sampled_from(self.connections(*Role)))
        if request == "opened":
            self.world.ask(conn, "read_idx_finished", 1)
        else:
            self.world.ask(conn, request, "")

    @rule(data=st.data(), how=st.sampled_from(("close", "violate", "end", "purge")))
    @precondition(lambda self: self.world.state.connections)
    def go_away(self, data: st.DataObject, how: str) -> None:
        conn = data.draw(st.sampled_from(sorted(self.world.state.connections)))
        pid = self.world.pid(conn)
        if how == "close":
            self.world.close(conn)
        elif how == "violate":
            self.world.violate(conn)
        elif how == "end":
            self.world.end_process(pid)
        elif idle := self.connections(Role.IDLE):
            self.world.ask(idle[0], "purge", pid)

    @rule(seconds=st.sampled_from((1.0, 16.0, 51.0)))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(outcome=st.sampled_from(("clean", "rolled_back", "rolled_forward", "fails")))
    @precondition(lambda self: self.world.recoveries_running)
    def finish_recovery(self, outcome: str) -> None:
        version = self.world.version_after() if outcome == "rolled_forward" else self.world.state.writer.version
        self.world.finish_recovery(None if outcome == "fails" else Outcome(outcome, version))

    @rule()
    @precondition(lambda self: self.world.killed & self.world.running)
    def killed_process_ends(self) -> None:
        self.world.end_process(min(self.world.killed & self.world.running))

    @invariant()
    def nobody_waits_needlessly(self) -> None:
        assert self.admission.waiting == set(self.world.state.readers.waiting)
        assert len(self.world.listed) == 2 or not self.admission.waiting

    @invariant()
    def nobody_is_silent_for_long(self) -> None:
        now_s = self.world.now_s
        assert all(now_s - each.heard_s <= 50.0 for each in self.world.state.connections.values() if each.holds)

    def teardown(self) -> None:
        self.world.end_everything()
        assert not self.admission.waiting


Clients.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestClients = Clients.TestCase
