"""The dispatcher process: turns bytes, ends of processes and time into events, and effects into deeds. On uvloop."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from math import ceil
from typing import Any

import uvloop

from osm3s import service_manager
from osm3s.dispatch import effects as do
from osm3s.dispatch.admission import Admission, Claim, OpenAdmission
from osm3s.dispatch.api_keys import ApiKeys
from osm3s.dispatch.client_connection import ClientConnection
from osm3s.dispatch.effects import Effect
from osm3s.dispatch.instance import BACKLOG, Instance
from osm3s.dispatch.journal import Journal, escape
from osm3s.dispatch.metrics_text import metrics_text
from osm3s.dispatch.processes import Watch
from osm3s.dispatch.recovery import Outcome, Recovery
from osm3s.dispatch.state import DEFAULT_PURGE_TIMEOUT_S, State
from osm3s.dispatch.status_text import state_code, status_text
from osm3s.dispatch.version import Version
from osm3s.dispatch.wire import ProtocolError, encode
from osm3s.errors import DispatcherError

OPERATOR_REQUESTS = ("purge", "set_limits", "terminate")
NOT_PERMITTED = "only root, the dispatcher's user and the owner of the database directory may do this"
LOOK_EVERY_S = 2.0
"""How soon it is noticed that the directory of the database is another one."""
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Server:
    """Serves one database from `run` until it is told to stop."""

    def __init__(
        self,
        instance: Instance,
        recovery: Recovery,
        admission: Admission | None = None,
        version: Version | None = None,
        purge_timeout_s: float = DEFAULT_PURGE_TIMEOUT_S,
    ) -> None:
        self._instance = instance
        self._recovery = recovery
        self._admission = admission or OpenAdmission()
        self._state = State(self._admission, version, purge_timeout_s)
        self._loop = uvloop.new_event_loop()
        self._journal = Journal(instance.db, self._loop.call_later)
        self._watch = Watch(self._loop, lambda pid: self.carry_out(self._state.process_gone(pid, self.now_s())))
        self._clients: dict[int, ClientConnection] = {}
        self._ending: list[ClientConnection] = []
        """Clients that asked us to stop: the end of their connection is the news that we are gone."""
        self._api_keys = ApiKeys(instance.db.api_keys)
        self._numbers = 0
        self._shown: tuple[Any, ...] = ()
        self._wake_s = float("inf")
        self._alarm: asyncio.TimerHandle | None = None
        self._replaced = ""
        self._owner_uid = os.stat(instance.db.root).st_uid
        soft_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._clients_max = soft_limit - 64 if soft_limit > 256 else soft_limit * 3 // 4

    def now_s(self) -> float:
        return self._loop.time()

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve. `ready` is called once clients can connect. Returns after an orderly end."""
        loop = self._loop
        # until the loop runs for good: uvloop loses a signal that comes between two runs
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        self._journal.started()
        loop.set_exception_handler(self._log_fault)
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, lambda: self.carry_out(self._state.shut_down(self.now_s())))
        pid, alone = self._instance.writer_pid, self._instance.writer_alone
        self.carry_out(self._state.start(self._instance.survivors, pid, self.now_s(), alone=alone))
        self._listening = loop.run_until_complete(
            loop.create_unix_server(lambda: ClientConnection(self), sock=self._instance.listener, backlog=BACKLOG)
        )
        loop.call_soon(signal.pthread_sigmask, signal.SIG_UNBLOCK, STOP_SIGNALS)
        self._sign_of_life_every_s = service_manager.watchdog_interval_s()
        self._give_sign_of_life()
        self._end_if_replaced()
        ready()
        service_manager.notify("READY=1", f"STATUS=Serving {self._instance.db.root}")
        loop.run_forever()
        loop.run_until_complete(asyncio.sleep(0.001))  # what was answered last is on its way
        self._journal.flush()
        left_behind = self._state.readers.count > 0
        self._instance.page.write(self._state.writer.version, self._state.readers.count, 0, pid=0)
        self._instance.leave(keep_page=left_behind)
        for client in self._ending:
            client.abort()
        if self._replaced:
            raise DispatcherError(self._replaced)

    def _give_sign_of_life(self) -> None:
        if self._sign_of_life_every_s is not None:
            service_manager.notify("WATCHDOG=1")
            self._loop.call_later(self._sign_of_life_every_s, self._give_sign_of_life)

    def _end_if_replaced(self) -> None:
        """Our socket has been moved away with the old directory: nobody finds us, and nobody is admitted."""
        if self._instance.is_replaced:
            root = self._instance.db.root
            self._replaced = (
                f"{root}: another directory has been put in its place: this dispatcher ends; start it again"
            )
            self._journal.database(self._replaced)
            self.carry_out(self._state.shut_down(self.now_s()))
        else:
            self._loop.call_later(LOOK_EVERY_S, self._end_if_replaced)

    def _log_fault(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A fault of this program must neither stop it nor pass unnoticed."""
        what = repr(context.get("exception") or context.get("message"))
        self._journal.database(f"internal error: {what}")

    # --- called by ClientConnection ---------------------------------------------------------------------------------

    def may_operate(self, uid: int) -> bool:
        """Whether this user may stop the dispatcher, purge processes and change limits."""
        return uid in (0, os.geteuid(), self._owner_uid)

    def opened(self, client: ClientConnection, pid: int) -> int:
        """A client has connected; its number. If there are too many, the oldest that holds nothing has to go."""
        if len(self._clients) >= self._clients_max:
            idle = (conn for conn in self._clients if self._state.is_idle(conn))
            oldest = next(idle, None)
            if oldest is not None:
                self.broken(oldest, "too many connections")
        self._numbers += 1
        self._clients[self._numbers] = client
        self.carry_out(self._state.connected(self._numbers, pid, self.now_s()))
        if len(self._clients) > self._clients_max:
            self.broken(self._numbers, "too many connections")
        return self._numbers

    def closed(self, conn: int) -> None:
        self._clients.pop(conn, None)
        self.carry_out(self._state.closed(conn, self.now_s()))

    def broken(self, conn: int, why: str) -> None:
        self.carry_out(self._state.violated(conn, why, self.now_s()))

    def request(self, conn: int, name: str, arguments: list[Any]) -> None:
        """Carry out one request that has passed `requests.check`."""
        state, now_s = self._state, self.now_s()
        if name in OPERATOR_REQUESTS and not self.may_operate(self._clients[conn].uid):
            self._send(conn, ("refused", "not_permitted", NOT_PERMITTED))
            return
        match name, arguments:
            case "read_start", [timeout_s, maxsize, token, full, anonymous, address, text, key]:
                self._clients[conn].asked += 1
                token = self._token(token, key)
                claim = Claim(timeout_s, maxsize, token, full, anonymous, address, text)
                self.carry_out(state.read_start(conn, claim, now_s))
            case "read_idx_finished", [snapshot]:
                self.carry_out(state.read_idx_finished(conn, snapshot, now_s))
            case "read_finished", [statistics]:
                self.carry_out(state.read_finished(conn, statistics, now_s))
            case "prolongate", []:
                self.carry_out(state.prolongate(conn, now_s))
            case "write_start", [data_timestamp]:
                self.carry_out(state.write_start(conn, data_timestamp, now_s))
            case "write_commit", [statistics]:
                self.carry_out(state.write_commit(conn, statistics, now_s))
            case "write_done", [txn_id, timestamp, replicate_id]:
                self.carry_out(state.write_done(conn, Version(txn_id, timestamp, replicate_id), now_s))
            case "write_rollback", []:
                self.carry_out(state.write_rollback(conn, now_s))
            case "purge", [pid]:
                self.carry_out(state.purge(conn, pid, now_s))
            case "set_limits", numbers:
                self._admission.limits.change(*numbers)
                self.carry_out([do.Reply(conn, ("ok",)), *state.limits_changed(now_s)])
            case "terminate", []:
                self._ending.append(self._clients[conn])
                self.carry_out([do.Reply(conn, ("ok",)), *state.shut_down(now_s)])
            case _:
                self._answer(conn, name, arguments)

    def _token(self, token: int, key: str) -> int:
        """That of the holder of a key, who has slots of their own; else that of the address."""
        budget = self._api_keys.budget(key) if key else None
        if budget is None:
            return token
        self._admission.give_slots(budget.token, budget.slots)
        return budget.token

    def _answer(self, conn: int, name: str, arguments: list[Any]) -> None:
        """Requests that only look."""
        readers = self._state.readers.active.values()
        epoch_offset_s = time.time() - self.now_s()
        answer: tuple[Any, ...] = ()
        match name, arguments:
            case "status", []:
                not_yet_opened = sum(not client.has_spoken for client in self._clients.values())
                answer = (status_text(self._state, not_yet_opened, self.now_s(), epoch_offset_s),)
            case "metrics", []:
                answer = (metrics_text(self._state),)
            case "query_by_token", [token]:
                pids = [reader.pid for reader in readers if reader.claim and reader.claim.token == token]
                answer = (pids[-1] if pids else 0,)
            case "my_status", [token, key]:
                token = self._token(token, key)
                queries = [
                    (state_code(reader), reader.pid, reader.claim.timeout_s, reader.claim.maxsize_bytes,
                     int(reader.since_s + epoch_offset_s), self._clients[reader.number].asked)
                    for reader in readers if reader.claim and reader.claim.token == token
                ]  # fmt: skip
                cooldowns = self._admission.cooldowns(self.now_s())
                ends = [ceil(until + epoch_offset_s) for whose, until in cooldowns if whose == token]
                answer = (token, self._admission.rate_limit(token), queries, sorted(ends))
                pid = self._state.connections[conn].pid
                self._journal.database(f"query_my_status by process {pid}.")
        self.carry_out([do.Reply(conn, ("ok", *answer))])

    # --- effects ----------------------------------------------------------------------------------------------------

    def carry_out(self, effects: list[Effect]) -> None:
        todo, lines = deque(effects), list[do.DatabaseLog | do.TransactionsLog]()
        while todo:
            match todo.popleft():
                case (do.DatabaseLog() | do.TransactionsLog()) as line:
                    lines.append(line)  # nobody should wait for them
                case effect:
                    self._carry_out_one(effect, todo)
        for line in lines:
            self._log(line)
        state = self._state
        shown = (state.writer.version, state.readers.count, state.writer.pid)
        if shown != self._shown:
            self._shown = shown
            self._instance.page.write(*shown)
        if state.wake_s != self._wake_s:
            self._wake_s = state.wake_s
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = self._loop.call_at(state.wake_s, self._wake)

    def _wake(self) -> None:
        self._wake_s = float("inf")
        self.carry_out(self._state.tick(self.now_s()))

    def _carry_out_one(self, effect: Effect, todo: deque[Effect]) -> None:
        match effect:
            case do.Reply(conn, message):
                self._send(conn, message)
            case do.ListReader(conn, pid, snapshot):
                client = self._clients.get(conn)
                if client is not None:
                    self._instance.page.list_reader(conn, pid, snapshot, client.start_ticks)
            case do.UnlistReader(conn):
                self._instance.page.unlist_reader(conn)
            case do.GrantWrite(conn, pid, message):
                try:
                    self._instance.create_lock(pid)
                except OSError as error:
                    todo.extend(self._state.lock_refused(conn, f"{error.strerror} ({error.filename})", self.now_s()))
                else:
                    self._watch.add(pid)
                    self._send(conn, message)
            case do.ReleaseLock():
                self._instance.remove_lock()
            case do.Publish(version):
                readers = self._state.readers.count
                self._instance.page.write(version, readers, self._state.writer.pid)
            case do.Recover():
                threading.Thread(target=self._recover, daemon=True).start()
            case do.WatchProcess(pid):
                self._watch.add(pid)
            case do.KillProcess(pid):
                if not self._signalled(pid, signal.SIGKILL):
                    self._journal.database(f"cannot tell when process {pid} ends; it is taken to have ended.")
                    todo.extend(self._state.process_gone(pid, self.now_s()))
            case do.AskToEnd(pid):
                self._signalled(pid, signal.SIGTERM)
            case do.Close(conn):
                client = self._clients.pop(conn, None)
                if client is not None:
                    client.close()
            case do.StopListening():
                service_manager.notify("STOPPING=1")
                self._listening.close()
                self._instance.hide()
            case do.Stop():
                self._loop.stop()

    def _log(self, line: do.DatabaseLog | do.TransactionsLog) -> None:
        match line:
            case do.DatabaseLog(text, pid):
                self._journal.database(text, pid)
            case do.TransactionsLog(pid, text, query_text):
                self._journal.transactions(text + escape(query_text), pid)

    def _send(self, conn: int, message: tuple[Any, ...]) -> None:
        client = self._clients.get(conn)
        if client is None:
            return
        try:
            client.send(encode(message))
        except ProtocolError as error:
            client.send(encode(("refused", "too_long", str(error))))

    def _signalled(self, pid: int, number: signal.Signals) -> bool:
        """Send a signal. False if the end of this process will never be noticed."""
        try:
            return self._watch.send_signal(pid, number)
        except PermissionError:
            self._journal.database(f"not permitted to signal process {pid}; waiting for its end.")
            return True

    def _recover(self) -> None:
        """In a thread: merging a big change takes its time, and readers are served meanwhile."""
        try:
            outcome: Outcome = self._recovery.roll_back_or_forward()
        except Exception as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())
            self._loop.call_soon_threadsafe(lambda: self.carry_out(self._state.recovery_failed(why, self.now_s())))
        else:
            self._loop.call_soon_threadsafe(lambda: self.carry_out(self._state.recovered(outcome, self.now_s())))
