"""Keys that give their holders slots of their own, wherever they ask from.

The file has one key per line: the SHA-256 of the key in hexadecimal, the number of slots (0: as many as they like), and
a name for people. The keys themselves are nowhere. A change of the file counts at once.
"""

from __future__ import annotations

import os
import secrets
from hashlib import sha256
from typing import NamedTuple

FIRST_TOKEN = 1 << 32
"""Beyond the tokens of addresses."""


class Budget(NamedTuple):
    token: int
    """Stands for the holder as the token of an address does for others."""
    slots: int
    name: str


class ApiKeys:
    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._budgets: dict[str, Budget] = {}

    def budget(self, key: str) -> Budget | None:
        """None: there is no such key, and whoever has sent it is a client like others."""
        try:
            status = os.stat(self._path)
            seen = (status.st_ino, status.st_size, status.st_mtime_ns)
            if seen != self._seen:
                with open(self._path, encoding="utf-8", errors="replace") as file:
                    self._budgets = dict(filter(None, map(entry_of, file)))
                self._seen = seen
        except OSError:
            self._seen, self._budgets = None, {}
        return self._budgets.get(_digest(key))


def entry_of(line: str) -> tuple[str, Budget] | None:
    """Digest and budget of a line; None for a line that is none."""
    digest, _, rest = line.strip().partition(" ")
    slots, _, name = rest.strip().partition(" ")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef") or not slots.isascii() or not slots.isdigit():
        return None
    return digest, Budget(FIRST_TOKEN + int(digest[:8], 16), int(slots), name)


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def add_key(path: str, slots: int, name: str) -> str:
    """Make a key and add it to the file, which only the owner of the directory can read: the dispatcher, whoever makes
    the key. Returns the key. Raises OSError."""
    key = secrets.token_urlsafe(24)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.geteuid() == 0:
            owner = os.stat(os.path.dirname(path) or ".")
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        os.write(descriptor, f"{_digest(key)} {slots} {name}\n".encode())
    finally:
        os.close(descriptor)
    return key
