"""The reference's rules for who may start a query: slots per client, waiting, load, duplicates, slots that cool down.

A query claims a time and a space (its `timeout` and `maxsize`), for as long as it runs. In this order:

1. Three queries of this client with the same text run or wait already: refused ("duplicate_query").
2. The client's slots are taken, by running queries or by ones that cool down: the query waits, and is refused after
   `WAIT_S` ("rate_limited"); at once if more than twice as many wait as there are slots.
3. It claims more than half of the time or of the space that is free: it waits as well ("timeout"); but a claim that
   would be too large for an idle server is refused at once.

A slot stays taken for a while after its query has ended, the longer the more of the server was claimed meanwhile:
see `_cooldown_s`. Clients without an address (token 0: tools of this machine) have no slots and no duplicates.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import ceil, inf

from osm3s.dispatch.admission import Claim, Granted, Limits, OpenAdmission, Refused, Verdict, Wait

WAIT_S = 15.0
"""How long a query may wait for a slot, or for the load to fall."""
SAME_QUERIES_MAX = 3
COOLDOWN_MAX_S = 60


@dataclass(slots=True)
class Client:
    """What is known of a token."""

    running: int = 0
    waiting: set[int] = field(default_factory=set)
    cooling: list[float] = field(default_factory=list)
    """Times at which slots are free again, ascending."""
    texts: dict[int, int] = field(default_factory=dict)
    """Hash of a query text to the number of its queries that run or wait."""


class ResourcePlanner(OpenAdmission):
    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self._clients: dict[int, Client] = {}
        self._own_slots: dict[int, int] = {}
        """Of the holders of keys, by token."""
        self._asked: dict[int, Claim] = {}
        """Claims of the queries that run or wait."""
        self._since_s: dict[int, float] = {}
        """When the running queries were granted."""
        self._cooling: list[tuple[float, int]] = []
        """Heap of (time at which a slot is free again, token)."""

    def request(self, conn: int, claim: Claim, since_s: float, now_s: float) -> Verdict:
        self._end_cooldowns(now_s)
        client = self._clients.setdefault(claim.token, Client())
        verdict = self._verdict(conn, claim, client, since_s, now_s)
        match verdict:
            case Granted():
                self._note(conn, claim, client)
                client.waiting.discard(conn)
                client.running += 1
                self._since_s[conn] = now_s
                return super().request(conn, claim, since_s, now_s)
            case Wait():
                self._note(conn, claim, client)
                client.waiting.add(conn)
            case Refused(reason):
                self._count_refusal(reason)
                self.forget(conn)
                self._tidy(claim.token)
        return verdict

    def _verdict(self, conn: int, claim: Claim, client: Client, since_s: float, now_s: float) -> Verdict:
        limits = self.limits
        is_new = conn not in self._asked
        same = client.texts.get(claim.full_hash, 0)
        if is_new and claim.token and not limits.allow_duplicate_queries and same >= SAME_QUERIES_MAX:
            return Refused("duplicate_query")
        slots = self.rate_limit(claim.token)
        if slots and client.running + len(client.cooling) >= slots:
            free_s = client.cooling[0] if client.cooling else inf
            if now_s >= since_s + WAIT_S or (is_new and len(client.waiting) > 2 * slots):
                return Refused("rate_limited", ceil(free_s - now_s) if free_s < inf else 0)
            return Wait(min(free_s, since_s + WAIT_S))
        if self._fits(claim, self.claimed_time_units, self.claimed_space_bytes):
            return Granted()
        if now_s >= since_s + WAIT_S or not self._fits(claim, 0, 0):
            return Refused("timeout")
        return Wait(since_s + WAIT_S)

    def _fits(self, claim: Claim, claimed_time_units: int, claimed_space_bytes: int) -> bool:
        return (
            2 * claim.timeout_s <= self.limits.time_units - claimed_time_units
            and 2 * claim.maxsize_bytes <= self.limits.space_bytes - claimed_space_bytes
        )

    def rate_limit(self, token: int) -> int:
        """Slots of this client; 0: as many as it likes."""
        return self._own_slots.get(token, self.limits.rate_limit) if token else 0

    def give_slots(self, token: int, slots: int) -> None:
        self._own_slots[token] = slots

    def _count_refusal(self, reason: str) -> None:
        if reason == "rate_limited":
            self.rate_limited += 1
        elif reason == "timeout":
            self.load_shedded += 1
        else:
            self.duplicates += 1

    def forget(self, conn: int) -> None:
        claim = self._asked.get(conn)
        if claim is not None:
            self._clients[claim.token].waiting.discard(conn)
            self._forget_text(conn)
            self._tidy(claim.token)

    def release(self, conn: int, now_s: float, *, finished: bool) -> None:
        self._average(now_s)
        self._end_cooldowns(now_s)
        token = self._asked[conn].token
        client = self._clients[token]
        client.running -= 1
        ran_s = now_s - self._since_s.pop(conn)
        cooldown_s = self._cooldown_s(ran_s) if self.rate_limit(token) else 0
        if cooldown_s:
            insort(client.cooling, now_s + cooldown_s)
            heappush(self._cooling, (now_s + cooldown_s, token))
        self._forget_text(conn)
        self._tidy(token)
        super().release(conn, now_s, finished=finished)

    def _cooldown_s(self, ran_s: float) -> int:
        """The reference's formula: on an idle server nothing; with half of it claimed, as long as the query ran."""
        seconds = int(ran_s) + 1
        blocked_s = 0
        for available, average in (
            (self.limits.space_bytes, self.average_space_bytes),
            (self.limits.time_units, self.average_time_units),
        ):
            if average >= available:
                return COOLDOWN_MAX_S
            blocked_s = max(blocked_s, available * seconds // (available - average) - seconds)
        return min(COOLDOWN_MAX_S, blocked_s)

    def cooldowns(self, now_s: float) -> list[tuple[int, float]]:
        return [(token, until_s) for until_s, token in sorted(self._cooling) if until_s > now_s]

    def _end_cooldowns(self, now_s: float) -> None:
        while self._cooling and self._cooling[0][0] <= now_s:
            _, token = heappop(self._cooling)
            del self._clients[token].cooling[0]
            self._tidy(token)

    def _note(self, conn: int, claim: Claim, client: Client) -> None:
        if conn not in self._asked:
            self._asked[conn] = claim
            client.texts[claim.full_hash] = client.texts.get(claim.full_hash, 0) + 1

    def _forget_text(self, conn: int) -> None:
        claim = self._asked.pop(conn)
        texts = self._clients[claim.token].texts
        texts[claim.full_hash] -= 1
        if not texts[claim.full_hash]:
            del texts[claim.full_hash]

    def _tidy(self, token: int) -> None:
        """Nothing is kept of clients that neither run, wait nor cool down."""
        client = self._clients.get(token)
        if client is not None and not (client.running or client.waiting or client.cooling):
            del self._clients[token]
