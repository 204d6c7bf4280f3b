"""The requests a client may send, each with the types of its arguments.

| request | arguments | answer |
|---|---|---|
| read_start | timeout_s, maxsize_bytes, token, two hashes, address, query text, API key | granted / refused |
| read_idx_finished | txn id of the snapshot that was opened | none |
| read_finished | statistics for the log | none |
| prolongate | | none |
| write_start | data timestamp that will be written, for the log | granted / refused |
| write_commit | statistics for the log | granted |
| write_done | txn id, timestamp, replicate id | ok / refused |
| write_rollback | | ok |
| status | | ok, text |
| metrics | | ok, text |
| my_status | token, API key | ok, token, rate limit, active queries, cooldowns |
| query_by_token | token | ok, pid or 0 |
| set_limits | space_bytes, time_units (0 keeps), rate_limit (-1 keeps), allow duplicates (-1 keeps, 0, 1) | ok |
| purge | pid | ok, number of sessions |
| terminate | | ok, then end of file when the instance is gone |

The last three are for root, the dispatcher's user and the owner of the database directory.

Answers are `granted …`, `ok …` or `refused reason sentence`; that to read_start has behind it the seconds until it may
succeed, or 0. A request is sent only after the previous one got its answer. Requests without answer cost the client one
`send`: a query needs a single round trip.
"""

from __future__ import annotations

from typing import Any

from osm3s.dispatch.wire import ProtocolError

_UINT = "a non-negative integer"
_SMALL = "an integer from -1 up"
_TEXT = "a printable text of at most 1000 characters"
_SHORT = "a printable text of at most 62 bytes"
_BYTES = "bytes"

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "read_start": (_UINT, _UINT, _UINT, _UINT, _UINT, _TEXT, _BYTES, _TEXT),
    "read_idx_finished": (_UINT,),
    "read_finished": (_TEXT,),
    "prolongate": (),
    "write_start": (_TEXT,),
    "write_commit": (_TEXT,),
    "write_done": (_UINT, _SHORT, _SHORT),
    "write_rollback": (),
    "status": (),
    "metrics": (),
    "my_status": (_UINT, _TEXT),
    "query_by_token": (_UINT,),
    "set_limits": (_UINT, _UINT, _SMALL, _SMALL),
    "purge": (_UINT,),
    "terminate": (),
}


def check(message: list[Any]) -> tuple[str, list[Any]]:
    """Name and arguments of a request. Raises ProtocolError if it is unknown or an argument is of the wrong kind."""
    name, *arguments = message
    kinds = ARGUMENTS.get(name)
    if kinds is None:
        raise ProtocolError(f"unknown request {name[:40]!r}")
    if len(arguments) != len(kinds):
        raise ProtocolError(f"{name}: expected {len(kinds)} arguments but got {len(arguments)}")
    for number, (argument, kind) in enumerate(zip(arguments, kinds, strict=True), 1):
        if not _is(argument, kind):
            raise ProtocolError(f"{name}: argument {number} is not {kind}")
    return name, arguments


def _is(argument: object, kind: str) -> bool:
    if kind is _BYTES:
        return isinstance(argument, bytes)
    if kind is _TEXT:
        return isinstance(argument, str) and len(argument) <= 1000 and argument.isprintable()
    if kind is _SHORT:
        return isinstance(argument, str) and len(argument.encode()) <= 62 and argument.isprintable()
    return type(argument) is int and argument >= (0 if kind is _UINT else -1)
