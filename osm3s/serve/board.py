"""What a parent and its children know of each other without a message: one byte per child in shared memory."""

from __future__ import annotations

import mmap
import os
from typing import Any

from osm3s.ffi import ffi

FREE, WAITING, RUNNING, LEAVING, WAITING_FOR_TOKEN, HOLDING_TOKEN = range(6)
"""The last two: running, and slow (native/lane.c)."""


class Board:
    """Made by the parent, inherited by the children."""

    def __init__(self, seats: int, waiting_wanted: int) -> None:
        self._bytes = mmap.mmap(-1, seats)
        self.waiting_wanted = waiting_wanted

    def state(self, seat: int) -> int:
        return self._bytes[seat]

    def write(self, seat: int, state: int) -> None:
        self._bytes[seat] = state

    def place(self, seat: int) -> Any:
        """The byte of a seat, as a `uint8_t *`."""
        return ffi.cast("uint8_t *", ffi.from_buffer(self._bytes)) + seat

    def count(self, state: int) -> int:
        return self._bytes[:].count(state)

    def free_seat(self) -> int | None:
        seat = self._bytes.find(bytes([FREE]))
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
        if self._board.count(WAITING) * 2 < self._board.waiting_wanted:
            os.write(self._parent, b"+")

    def leave(self) -> None:
        """In good order, to be replaced if need be."""
        self._board.write(self._number, LEAVING)

    @property
    def superfluous(self) -> bool:
        """More children wait than have to."""
        return self._board.count(WAITING) > self._board.waiting_wanted
