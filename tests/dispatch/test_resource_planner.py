"""The rules of admission, one by one and in long random histories, with the time as an argument."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from osm3s.dispatch.admission import AVERAGE_OVER_S, Claim, Granted, Limits, Refused, Verdict, Wait
from osm3s.dispatch.resource_planner import COOLDOWN_MAX_S, SAME_QUERIES_MAX, WAIT_S, ResourcePlanner

ANN, BOB = 0x01020304, 0x05060708


class Server:
    """A planner, and a count of connections."""

    def __init__(self, rate_limit: int = 2, space_bytes: int = 1000, time_units: int = 1000) -> None:
        self.planner = ResourcePlanner(Limits(space_bytes, time_units, rate_limit))
        self.n = 0

    def ask(self, now_s: float, token: int = ANN, *, timeout_s: int = 1, space: int = 1, text: int = 0) -> Verdict:
        """A new query; the number of its connection is `self.n`."""
        self.n += 1
        claim = Claim(timeout_s, space, token, text or self.n)
        return self.planner.request(self.n, claim, now_s, now_s)


def test_slots_are_per_client() -> None:
    server = Server()
    assert [server.ask(0) for _ in range(3)] == [Granted(), Granted(), Wait(WAIT_S)]
    assert server.ask(0, BOB) == Granted()
    server.planner.release(1, 1.0, finished=True)
    assert server.planner.request(3, Claim(1, 1, ANN, 3), 0.0, 1.0) == Granted()


def test_who_has_waited_long_enough_is_refused() -> None:
    server = Server(rate_limit=1)
    server.ask(0)
    assert server.ask(0) == Wait(WAIT_S)
    claim = Claim(1, 1, ANN, 2)
    assert server.planner.request(2, claim, 0.0, WAIT_S - 0.1) == Wait(WAIT_S)
    assert server.planner.request(2, claim, 0.0, WAIT_S) == Refused("rate_limited")
    assert server.planner.rate_limited == 1


def test_the_sixth_that_would_wait_for_two_slots_is_refused_at_once() -> None:
    server = Server(rate_limit=2)
    verdicts = [server.ask(0) for _ in range(8)]
    assert verdicts == [Granted()] * 2 + [Wait(WAIT_S)] * 5 + [Refused("rate_limited")]
    server.planner.forget(4)
    assert server.ask(0) == Wait(WAIT_S)


@pytest.mark.parametrize("rate_limit", [0, 100])
@pytest.mark.parametrize("token", [0, ANN])
def test_nothing_is_kept_of_queries_that_have_ended(rate_limit: int, token: int) -> None:
    server = Server(rate_limit)
    for now_s in range(0, 10_000, 100):
        assert server.ask(now_s, token) == Granted()
        server.planner.release(server.n, now_s + 1, finished=True)
    server.ask(20_000, token, space=10**9)  # refused; cooldowns have ended by now
    kept = {name: len(value) for name, value in vars(server.planner).items() if isinstance(value, dict | list)}
    assert kept.pop("_recent") == AVERAGE_OVER_S
    assert set(kept.values()) == {0} and "_since_s" in kept


def test_no_address_and_no_limit_have_no_slots() -> None:
    server = Server(rate_limit=1, space_bytes=10**6, time_units=10**6)
    assert all(server.ask(0, token=0, text=5) == Granted() for _ in range(20))
    server.planner.limits.rate_limit = 0
    assert all(server.ask(0) == Granted() for _ in range(20))


def test_a_query_may_claim_half_of_what_is_free() -> None:
    server = Server(rate_limit=0)
    assert server.ask(0, timeout_s=500) == Granted()
    assert server.ask(0, timeout_s=251) == Wait(WAIT_S)
    assert server.ask(0, timeout_s=250, space=499) == Granted()
    assert server.ask(0, space=251) == Wait(WAIT_S)
    assert server.planner.request(4, Claim(1, 251, ANN, 4), 0.0, WAIT_S) == Refused("timeout")
    server.planner.release(1, 20.0, finished=True)
    assert server.planner.request(2, Claim(251, 1, ANN, 2), 19.0, 20.0) == Granted()


def test_what_an_idle_server_would_refuse_need_not_wait() -> None:
    server = Server()
    assert server.ask(0, space=501) == Refused("timeout")
    assert server.ask(0, timeout_s=501) == Refused("timeout")
    assert server.planner.load_shedded == 2


def test_the_fourth_of_the_same_queries_is_refused_as_long_as_they_run() -> None:
    server = Server(rate_limit=0)
    assert [server.ask(0, text=7) for _ in range(SAME_QUERIES_MAX)] == [Granted()] * SAME_QUERIES_MAX
    assert server.ask(0, text=7) == Refused("duplicate_query")
    assert server.ask(0, BOB, text=7) == Granted() and server.ask(0, text=8) == Granted()
    server.planner.release(1, 0.1, finished=True)
    assert server.ask(0.1, text=7) == Granted()
    server.planner.limits.change(0, 0, -1, 1)
    assert server.ask(0.1, text=7) == Granted()
    server.planner.limits.change(0, 0, -1, -1)
    assert server.ask(0.1, text=7) == Granted()
    server.planner.limits.change(0, 0, -1, 0)
    assert server.ask(0.1, text=7) == Refused("duplicate_query")
    assert server.planner.duplicates == 2


def test_waiting_queries_are_duplicates_too_but_not_of_those_that_come_later() -> None:
    server = Server(rate_limit=1)
    assert [type(server.ask(0, text=7)) for _ in range(4)] == [Granted, Wait, Wait, Refused]
    assert server.planner.request(2, Claim(1, 1, ANN, 7), 0.0, 1.0) == Wait(WAIT_S)


@pytest.mark.parametrize(
    ("claimed_share", "ran_s", "cooldown_s"),
    [(0.0, 100, 0), (0.25, 29.5, 10), (0.5, 19.5, 20), (0.5, 100, COOLDOWN_MAX_S), (0.9, 19.5, COOLDOWN_MAX_S)],
)
def test_a_slot_cools_down_the_longer_the_more_is_claimed(claimed_share: float, ran_s: float, cooldown_s: int) -> None:
    server = Server(rate_limit=1, space_bytes=10**6, time_units=10**9)
    planner = server.planner
    assert server.ask(1000.0) == Granted()
    planner.claimed_space_bytes += int(claimed_share * 10**6)
    planner.release(1, 1000.0 + ran_s, finished=True)
    end_s = 1000.0 + ran_s + cooldown_s
    assert planner.cooldowns(1000.0 + ran_s) == ([(ANN, end_s)] if cooldown_s else [])
    planner.claimed_space_bytes = 0
    verdict = server.ask(1000.0 + ran_s)
    assert verdict == (Wait(min(end_s, 1000.0 + ran_s + WAIT_S)) if cooldown_s else Granted())
    if cooldown_s:
        claim = Claim(1, 1, ANN, 2)
        if cooldown_s > WAIT_S:
            late_s = 1000.0 + ran_s + WAIT_S
            assert planner.request(2, claim, 1000.0 + ran_s, late_s) == Refused("rate_limited", cooldown_s - 15)
            assert server.ask(end_s) == Granted()
        else:
            assert planner.request(2, claim, 1000.0 + ran_s, end_s) == Granted()
        assert planner.cooldowns(end_s) == []


def test_limits_change_while_queries_run() -> None:
    server = Server(rate_limit=1)
    server.ask(0)
    assert server.ask(0) == Wait(WAIT_S)
    server.planner.limits.change(0, 0, 2, -1)
    assert server.planner.request(2, Claim(1, 1, ANN, 2), 0.0, 1.0) == Granted()
    server.planner.limits.change(0, 0, 1, -1)
    server.planner.release(1, 1.0, finished=True)
    assert server.ask(1.0) == Wait(1.0 + WAIT_S)


class Histories(RuleBasedStateMachine):
    """What holds at any time, whatever clients do."""

    def __init__(self) -> None:
        super().__init__()
        self.planner = ResourcePlanner(Limits(100, 100, 2))
        self.now_s = 0.0
        self.last = 0
        self.waiting: dict[int, tuple[Claim, float]] = {}
        self.running: dict[int, Claim] = {}

    @rule(token=st.integers(0, 2), time=st.integers(0, 60), space=st.integers(0, 60), text=st.integers(1, 2))
    def ask(self, token: int, time: int, space: int, text: int) -> None:
        self.last += 1
        self.decide(self.last, Claim(time, space, token, text), self.now_s)

    def decide(self, conn: int, claim: Claim, since_s: float) -> None:
        waited = self.waiting.pop(conn, None) is not None
        match self.planner.request(conn, claim, since_s, self.now_s):
            case Granted():
                self.running[conn] = claim
            case Wait(until_s):
                assert self.now_s < until_s <= since_s + WAIT_S
                self.waiting[conn] = (claim, since_s)
            case Refused(reason):
                hopeless = 2 * max(claim.timeout_s, claim.maxsize_bytes) > 100  # told so once it has its slot
                assert not waited or self.now_s >= since_s + WAIT_S or (reason == "timeout" and hopeless)
                assert claim.token or reason == "timeout"

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        conn = data.draw(st.sampled_from(sorted(self.running)))
        del self.running[conn]
        self.planner.release(conn, self.now_s, finished=True)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        conn = data.draw(st.sampled_from(sorted(self.waiting)))
        del self.waiting[conn]
        self.planner.forget(conn)

    @rule(seconds=st.sampled_from([0.2, 1.0, 7.0, 16.0, 61.0]))
    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        for conn, (claim, since_s) in list(self.waiting.items()):
            self.decide(conn, claim, since_s)

    @invariant()
    def limits_hold(self) -> None:
        assert self.planner.claimed_time_units == sum(claim.timeout_s for claim in self.running.values()) <= 100
        assert self.planner.claimed_space_bytes == sum(claim.maxsize_bytes for claim in self.running.values()) <= 100
        cooling = [token for token, _ in self.planner.cooldowns(self.now_s)]
        for token in (1, 2):
            running = [claim for claim in self.running.values() if claim.token == token]
            assert len(running) <= 2 and len(running) + cooling.count(token) <= 4
            assert sum(claim.token == token for claim, _ in self.waiting.values()) <= 5

    def teardown(self) -> None:
        for conn in list(self.running):
            self.planner.release(conn, self.now_s, finished=False)
        for conn in list(self.waiting):
            self.planner.forget(conn)
        self.now_s += COOLDOWN_MAX_S
        assert self.planner.request(0, Claim(1, 1, 9, 9), self.now_s, self.now_s) == Granted()
        assert self.planner.cooldowns(self.now_s) == [] and list(self.planner._clients) == [9]


Histories.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestHistories = Histories.TestCase
