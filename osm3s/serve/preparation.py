"""Reading the text of a query, which comes before its admission: nobody has granted it any memory or time yet.

What a text takes is linear in its length, but hundreds of times the length. So a long text is read in little memory
first; if that is not enough, once more in the slow lane, where there are only as many processes as processors.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from osm3s.errors import DispatcherError, Message, QueryRejected
from osm3s.ffi import lib
from osm3s.serve.limits import memory_limited
from osm3s.serve.reuse import process

HARMLESS_CHARACTERS = 64 * 1024
"""Shorter texts are read within 32 MB and half a second, whatever they are."""
FIRST_BYTES = 64 * 1024 * 1024
MOST_BYTES = 512 * 1024 * 1024
MOST_CPU_S = 30.0
BUSY_ORIGIN = "Dispatcher_Client::request_read_and_idx::timeout"

Result = TypeVar("Result")


def read_within_limits(read: Callable[[str], Result], text: str) -> Result:
    """`read(text)`, in a process that answers nothing else meanwhile.

    Raises QueryRejected if that takes too much memory or time, DispatcherError if the slow lane stays full.
    """
    if len(text) <= HARMLESS_CHARACTERS:
        return read(text)
    with _time_limited():
        try:
            with memory_limited(FIRST_BYTES):
                return read(text)
        except MemoryError:
            process.retire()
        if not lib.osm3s_lane_change():
            raise DispatcherError("Too many long queries are being read.", BUSY_ORIGIN)
        try:
            with memory_limited(MOST_BYTES):
                return read(text)
        except MemoryError:
            pass
        raise _too_complex(f"{MOST_BYTES // (1024 * 1024)} MB of memory")


@contextmanager
def _time_limited() -> Iterator[None]:
    def overrun(_number: int, _frame: object) -> None:
        process.retire()
        raise _too_complex(f"{MOST_CPU_S:.0f} seconds of processor time")

    before = signal.signal(signal.SIGVTALRM, overrun)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _too_complex(what: str) -> QueryRejected:
    return QueryRejected([Message("encoding error", 0, f"Input too complex: to read it takes more than {what}.")])
