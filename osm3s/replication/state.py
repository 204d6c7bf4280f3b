"""Sequence numbers and state files of a feed.

Diff number 2434 is `000/002/434.osc.gz`, its state file `000/002/434.state.txt`; `state.txt` is a copy of the newest:

    #Sat Nov 21 20:41:02 UTC 2026
    sequenceNumber=2434
    timestamp=2026-11-21T20\\:40\\:38Z

The colons are escaped as in Java property files. The timestamp is that of the data after the diff.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from osm3s.replication.errors import Damaged

LAST_SEQUENCE = 999_999_999
"""What three directories of three digits can name."""
STATE_FILE = "state.txt"
DIFF_ENDING, STATE_ENDING = ".osc.gz", ".state.txt"
TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

_SEQUENCE = re.compile(r"\d{1,9}", re.ASCII)


class State(NamedTuple):
    sequence: int
    timestamp: str
    """ISO, without backslashes."""


def path_of(sequence: int) -> str:
    """Without ending: "000/002/434". Raises Damaged if there can be no such diff."""
    if not 0 <= sequence <= LAST_SEQUENCE:
        raise Damaged(f"there can be no diff number {sequence}: numbers have at most nine digits")
    return f"{sequence // 1_000_000:03}/{sequence // 1000 % 1000:03}/{sequence % 1000:03}"


def parse_state(content: bytes, name: str) -> State:
    """Raises Damaged. `name` is for the message."""
    text = content[:65536].decode("utf-8", "replace").replace("\r\n", "\n")
    sequence, timestamp = _value(text, "sequenceNumber", name), _value(text, "timestamp", name)
    if _SEQUENCE.fullmatch(sequence) is None or not timestamp:
        raise Damaged(f"{name}: not a state file: it begins with {content[:40]!r}")
    state = State(int(sequence), timestamp.replace("\\", ""))
    if seconds_of(state.timestamp) is None:
        raise Damaged(f"{name}: not a time: timestamp={timestamp}")
    return state


def _value(text: str, key: str, name: str) -> str:
    """What stands behind a key, "" if it is not there. Raises Damaged if that is not one thing."""
    lines = (line.partition("=") for line in text.split("\n"))
    found = {value.strip() for word, _, value in lines if word == key}
    if len(found) > 1:
        raise Damaged(f"{name}: not a state file: {key} is {' and '.join(sorted(found))}")
    return next(iter(found), "")


def seconds_of(timestamp: str) -> float | None:
    """Seconds since 1970 of an ISO timestamp, with or without backslashes; None if it is none."""
    try:
        return datetime.strptime(timestamp.replace("\\", ""), TIMESTAMP_FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(TIMESTAMP_FORMAT)
