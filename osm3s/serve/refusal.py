"""What a client is told when it is not let in, or when its query fails: texts that clients compare."""

from __future__ import annotations

import os
import resource
from typing import NamedTuple

from osm3s.dispatch.client import NOT_RUNNING_ORIGIN
from osm3s.errors import DispatcherError, QueryFailed, StorageError

TURNED_OFF = "The dispatcher (i.e. the database management system) is turned off."


class Refusal(NamedTuple):
    """`status` is that of HTTP, `text` goes behind "runtime error: "."""

    status: int
    text: str


def open64(error: DispatcherError) -> str:
    """The reference's report of a failure at a file or at the dispatcher."""
    reason = os.strerror(error.errno) if error.errno else "Success"
    return f"open64: {error.errno} {reason} {error.file} {error.origin}"


def refusal_of(error: DispatcherError) -> Refusal:
    """Differs from the reference in the statuses of duplicate queries and of waiting in vain, which there are 200."""
    kind = error.origin.rpartition("::")[2]
    if kind == "timeout":
        return Refusal(504, f"{open64(error)}. The server is probably too busy to handle your request.")
    if kind == "rate_limited":
        return Refusal(429, f"{open64(error)}. Please check /api/status for the quota of your IP address.")
    if error.origin == NOT_RUNNING_ORIGIN:
        return Refusal(504, TURNED_OFF)
    return Refusal(429 if kind == "duplicate_query" else 504, open64(error))


def text_of(error: BaseException) -> str:
    """What follows "runtime error: " when a query has failed with this."""
    if isinstance(error, DispatcherError):
        return refusal_of(error).text
    if isinstance(error, QueryFailed | StorageError):
        return str(error)
    if isinstance(error, MemoryError):
        limit_mb = resource.getrlimit(resource.RLIMIT_DATA)[0] // (1024 * 1024)
        return f"Query run out of memory using about {limit_mb} MB of RAM."
    return f"Query failed with the exception: {error or type(error).__name__}"
