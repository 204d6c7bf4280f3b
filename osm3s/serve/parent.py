"""The warmed parent: has everything imported and no database open, and keeps children waiting for clients.

The children accept on the Unix socket themselves; the parent is in nobody's way. It only starts further ones when few
are left to wait, and says in the log how children died.
"""

from __future__ import annotations

import errno
import gc
import os
import select
import signal
import socket
import time
from dataclasses import dataclass, field

from osm3s import log
from osm3s.errors import DispatcherError
from osm3s.ffi import ffi, lib
from osm3s.serve.board import FREE, HOLDING_TOKEN, WAITING, WAITING_FOR_TOKEN, Board, Seat
from osm3s.serve.child import Answer, live, warm_up

CRASH_DELAY_S = 0.2
STOP_S = 2.0
BACKLOG = 128
NORMAL_DEATHS = {signal.SIGIO, signal.SIGPIPE, signal.SIGTERM}
"""The client hung up, or the parent stops."""


def listen(path: str) -> socket.socket:
    """Bind the socket, replacing one that nobody listens on. Raises DispatcherError if a frontend runs already."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(path)
        raise DispatcherError(f"Another frontend already answers on {path}.")
    except (FileNotFoundError, ConnectionRefusedError):
        pass
    except OSError as error:
        raise DispatcherError(f"The socket {path} cannot be used: {error.strerror or error}.") from error
    finally:
        probe.close()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        if os.path.lexists(path):
            os.unlink(path)
        listener.bind(path)
        os.chmod(path, 0o666)  # a web server under any account may ask
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise DispatcherError(f"The socket {path} cannot be made: {error.strerror or error}.") from error
    return listener


@dataclass
class Parent:
    """Owns the children. `run` returns when SIGTERM or SIGINT arrives."""

    path: str
    answer: Answer
    log_path: str
    idle_children: int = field(default_factory=lambda: 2 * (os.cpu_count() or 1))
    running_children: int = 64
    """Queries at a time; further clients wait in the socket's backlog."""
    reuse: int = 1
    """Queries that one child answers, one after the other."""
    slow_queries: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Of the queries that have used a processor for more than `slow_after_s`, so many run at a time (native/lane.c)."""
    slow_after_s: float = 1.0

    _seats: dict[int, int] = field(default_factory=dict, init=False)
    """Of the children, by pid."""
    _stopping: bool = field(default=False, init=False)
    _not_before: float = field(default=0.0, init=False)

    def run(self, ready: int | None = None) -> None:
        """Serve until a signal says stop. Writes a byte to the descriptor `ready` once children wait."""
        listener = listen(self.path)
        self._board = Board(self.running_children, self.idle_children)
        signals, signals_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        started, started_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        alive, alive_in = os.pipe2(os.O_CLOEXEC)
        self._tokens = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        os.write(self._tokens[1], b"t" * self.slow_queries)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, self._on_signal)
        signal.set_wakeup_fd(signals_in, warn_on_full_buffer=False)
        warm_up(self.answer)
        gc.collect()
        gc.freeze()  # children must not copy pages only to mark objects
        gc.disable()
        # Yield to the children when they and this process want a core at the same time. They become ordinary again by
        # themselves: sandboxes (systemd's RestrictRealtime) refuse SCHED_RESET_ON_FORK.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        inherited = (signals, signals_in, started, alive_in)
        events = select.poll()
        events.register(signals, select.POLLIN)
        events.register(started, select.POLLIN)
        try:
            while not self._stopping:
                wait_s = self._seconds_to_next_fork()
                if wait_s == 0:
                    self._fork(listener, alive, started_in, inherited)
                    wait_s = self._seconds_to_next_fork()
                if ready is not None and self._board.count(WAITING) >= self.idle_children:
                    os.write(ready, b"\n")
                    ready = None
                events.poll(None if wait_s is None else wait_s * 1000)
                _drain(signals)
                _drain(started)
                self._note_dead(_reap())
        finally:
            listener.close()
            if os.path.lexists(self.path):
                os.unlink(self.path)
            self._stop_children(signals)
            signal.set_wakeup_fd(-1)
            for descriptor in (*inherited, started_in, alive, *self._tokens):
                os.close(descriptor)

    def _on_signal(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            self._stopping = True

    def _seconds_to_next_fork(self) -> float | None:
        """0: now; None: not before something happens."""
        if self._board.count(WAITING) >= self.idle_children or len(self._seats) >= self.running_children:
            return None
        return max(0.0, self._not_before - time.monotonic())

    def _fork(self, listener: socket.socket, alive: int, started_in: int, inherited: tuple[int, ...]) -> None:
        number = self._board.free_seat()
        assert number is not None
        self._board.write(number, WAITING)
        pid = lib.osm3s_fork()
        if pid < 0:  # no memory, too many processes: the children that are there go on
            log.append(self.log_path, f"frontend: fork failed: {os.strerror(ffi.errno)}")
            self._board.write(number, FREE)
            self._not_before = time.monotonic() + CRASH_DELAY_S
            return
        if pid:
            self._seats[pid] = number
            return
        status = 1
        try:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the parent, which stops us
            for descriptor in inherited:
                os.close(descriptor)
            place, after_ms = self._board.place(number), round(self.slow_after_s * 1000)
            lib.osm3s_lane_enter(*self._tokens, place, WAITING_FOR_TOKEN, HOLDING_TOKEN, after_ms)
            status = live(listener, alive, Seat(self._board, number, started_in), self.answer, self.reuse)
        except BaseException as error:
            log.append(self.log_path, f"frontend: {type(error).__name__}: {error}")
        finally:
            os._exit(status)

    def _note_dead(self, dead: dict[int, int]) -> None:
        for pid, status in dead.items():
            number = self._seats.pop(pid)
            if self._board.state(number) == WAITING:  # without a client: do not answer a crash with a storm of forks
                self._not_before = time.monotonic() + CRASH_DELAY_S
            elif self._board.state(number) == HOLDING_TOKEN:
                os.write(self._tokens[1], b"t")
            self._board.write(number, FREE)
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) not in NORMAL_DEATHS:
                name = signal.Signals(os.WTERMSIG(status)).name
                log.append(self.log_path, f"frontend: process {pid} was ended by {name}.")

    def _stop_children(self, signals: int) -> None:
        death = select.poll()
        death.register(signals, select.POLLIN)
        for number, patience_s in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, STOP_S)):
            for pid in self._seats:
                os.kill(pid, number)
            give_up = time.monotonic() + patience_s
            while self._seats and time.monotonic() < give_up:
                self._note_dead(_reap())
                if self._seats:
                    death.poll(max(0.0, give_up - time.monotonic()) * 1000)
                    _drain(signals)


def _reap() -> dict[int, int]:
    """Wait status of every child that has ended."""
    dead = {}
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            dead[ended[0]] = ended[1]
    except ChildProcessError:
        pass
    return dead


def _drain(descriptor: int) -> bytes:
    """All that a non-blocking pipe holds; pids arrive whole because they are shorter than PIPE_BUF."""
    data = b""
    while True:
        try:
            more = os.read(descriptor, 4096)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EINTR):
                return data
            raise
        if not more:
            return data
        data += more
