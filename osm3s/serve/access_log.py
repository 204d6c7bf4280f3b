"""The log of the web server: one JSON object per line and request.

| field | meaning |
|---|---|
| time | when the answer was complete, UTC |
| client | address of the client: of the one that a trusted proxy speaks for |
| method, door | door: which endpoint; both empty if the request was malformed or led nowhere |
| status | of HTTP; 499: the client left before its answer was complete |
| bytes | of the answer with its head; null where the kernel does not tell |
| seconds | from the last byte of the request to the last of the answer |
| query | hash of query string and body as they came, 16 hexadecimal digits: equal requests have equal ones |
| agent | User-Agent of the client, its first 256 characters |

What clients send is escaped, so every line is one object in ASCII.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b

from osm3s.log import append_whole, open_log
from osm3s.serve.http_message import Head
from osm3s.serve.request import Request

AGENT_CHARACTERS = 256
CLIENT_LEFT = 499


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a request once it has been read."""

    client: str
    method: str = ""
    door: str = ""
    query: str = ""
    agent: str = ""
    begun_s: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, request: Request, head: Head) -> Entry:
        text = blake2b(request.query_string + b"\n", digest_size=8)
        text.update(request.body)
        agent = head.text(b"user-agent")[:AGENT_CHARACTERS]
        return cls(request.remote_addr, request.method, request.door, text.hexdigest(), agent)


class AccessLog:
    """Appends to a file, which may be renamed at any time: then a new one is begun."""

    def __init__(self, path: str) -> None:
        """Raises OSError if the file cannot be written."""
        self._path = path
        self._open()

    def _open(self) -> None:
        self._file = open_log(self._path)
        self._identity = _identity(os.fstat(self._file))

    def note(self, entry: Entry, status: int, sent_bytes: int | None) -> None:
        """The answer is complete. Never raises: a log is not the answer."""
        now = time.time()
        line = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now * 1000) % 1000:03}Z",
            "client": entry.client,
            "method": entry.method,
            "door": entry.door,
            "status": status,
            "bytes": sent_bytes,
            "seconds": round(time.monotonic() - entry.begun_s, 6),
            "query": entry.query,
            "agent": entry.agent,
        }
        with suppress(OSError):
            self._follow_rotation()
            append_whole(self._file, json.dumps(line).encode() + b"\n")

    def _follow_rotation(self) -> None:
        try:
            if _identity(os.stat(self._path)) == self._identity:
                return
        except FileNotFoundError:
            pass
        before = self._file
        self._open()
        os.close(before)

    def close(self) -> None:
        os.close(self._file)


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino
