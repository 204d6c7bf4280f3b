"""What a parent and its children know of each other without a message: one byte per child in shared memory."""

from __future__ import annotations

import mmap
import os
import struct
import time
from typing import Any

from osm3s.ffi import ffi

FREE, WAITING, RUNNING, LEAVING, WAITING_FOR_TOKEN, HOLDING_TOKEN = range(6)
"""The last two: running, and slow (native/lane.c)."""

LAST_CLIENT = struct.Struct("d")
"""When a client came last, on the clock of time.monotonic(); before the seats."""


class Board:
    """Made by the parent, inherited by the children."""

    def __init__(self, seats: int, waiting_wanted: int) -> None:
        self._bytes = mmap.mmap(-1, LAST_CLIENT.size + seats)
        self._seats = memoryview(self._bytes)[LAST_CLIENT.size :]
        self.waiting_wanted = waiting_wanted

    def state(self, seat: int) -> int:
        return self._seats[seat]

    def write(self, seat: int, state: int) -> None:
        self._seats[seat] = state

    def note_client(self) -> None:
        LAST_CLIENT.pack_into(self._bytes, 0, time.monotonic())

    def calm_s(self) -> float:
        """For how long no client has come."""
        return time.monotonic() - float(LAST_CLIENT.unpack_from(self._bytes)[0])

    def place(self, seat: int) -> Any:
        """The byte of a seat, as a `uint8_t *`."""
        return ffi.cast("uint8_t *", ffi.from_buffer(self._bytes)) + LAST_CLIENT.size + seat

    def count(self, state: int) -> int:
        return self._seats.tobytes().count(state)

    def free_seat(self) -> int | None:
        seat = self._seats.tobytes().find(bytes([FREE]))
        return None if seat < 0 else seat


class Seat:
    """A child's own place. `parent` is a pipe whose reader looks at the board when something comes."""

    def __init__(self, board: Board, number: int, parent: int) -> None:
        self._board = board
        self._number = number
        self._parent = parent

    def wait(self) -> None:
        self._board.write(self._number, WAITING)

    def run(self) -> None:
        """A client has come. The parent hears of it if few children wait for the next one."""
        self._board.write(self._number, RUNNING)
        self._board.note_client()
        if self._board.count(WAITING) * 2 < self._board.waiting_wanted:
            os.write(self._parent, b"+")

    def leave(self) -> None:
        """In good order, to be replaced if need be."""
        self._board.write(self._number, LEAVING)

    def calm_s(self) -> float:
        """For how long no client has come to any child."""
        return self._board.calm_s()

    @property
    def superfluous(self) -> bool:
        """More children wait than have to."""
        return self._board.count(WAITING) > self._board.waiting_wanted
