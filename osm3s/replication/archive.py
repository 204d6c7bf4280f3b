"""A feed in a local directory: the archive that fetch_osc.sh keeps, or any copy of a feed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from osm3s.replication.diff import Diff, read_diff
from osm3s.replication.errors import Absent, Damaged, FeedError, OutOfSequence
from osm3s.replication.state import DIFF_ENDING, STATE_ENDING, STATE_FILE, State, parse_state, path_of

NEWEST_FILE = "replicate_id"
"""Holds the number of the newest diff that has arrived completely."""


@dataclass(frozen=True, slots=True)
class ArchiveFeed:
    root: str
    url: None = None
    """Which feed the files are from is not known."""

    def newest(self) -> State:
        """Of an archive the newest that is complete, of a copy what its state.txt says."""
        try:
            text = self._content(NEWEST_FILE)
        except Absent:
            return parse_state(self._content(STATE_FILE), self.path(STATE_FILE))
        if not re.fullmatch(rb"\s*[0-9]{1,18}\s*", text):
            raise Damaged(f"{self.path(NEWEST_FILE)}: not a number: {text[:40]!r}")
        return self.state(int(text))

    def state(self, sequence: int) -> State:
        name = path_of(sequence) + STATE_ENDING
        state = parse_state(self._content(name), self.path(name))
        if state.sequence != sequence:
            raise OutOfSequence(f"{self.path(name)}: says of itself that it is number {state.sequence}")
        return state

    def diff(self, sequence: int) -> Diff:
        name = path_of(sequence) + DIFF_ENDING
        return read_diff(sequence, self._content(name), self.path(name))

    def path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def _content(self, name: str) -> bytes:
        path = self.path(name)
        try:
            with open(path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            raise Absent(f"{path}: not there") from None
        except OSError as error:
            raise FeedError(f"{path}: {error.strerror}") from None
        if not content:
            raise Absent(f"{path}: empty")
        return content
