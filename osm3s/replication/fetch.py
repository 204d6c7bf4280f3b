"""Copies a feed into a local archive, diff by diff, for ever: what `fetch_osc.sh` does.

    LOCAL/state.txt              the newest state of the feed, as of the last look
    LOCAL/000/002/434.state.txt  a state file, and then
    LOCAL/000/002/434.osc.gz     its diff, verified
    LOCAL/replicate_id           the newest diff that is there completely
    LOCAL/fetch_osc.log          a line per diff

A file appears under its name when it is complete and on disk; files that are there are not fetched again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from osm3s.errors import Osm3sError
from osm3s.replication.archive import NEWEST_FILE
from osm3s.replication.clock import Clock
from osm3s.replication.diff import read_diff
from osm3s.replication.errors import Damaged, FeedError
from osm3s.replication.feed import LARGEST_DIFF_BYTES, LARGEST_STATE_BYTES, HttpFeed
from osm3s.replication.script_log import append, date_and_time
from osm3s.replication.state import DIFF_ENDING, STATE_ENDING, STATE_FILE, parse_state, path_of

WAIT_S = 15.0
MOST_FAILURES = 20
LOG_FILE = "fetch_osc.log"


class HistoryRewritten(Osm3sError):
    """The feed has now other content for a diff that was fetched before."""

    exit_status = 1


@dataclass(slots=True)
class ArchiveFetcher:
    feed: HttpFeed
    root: str
    clock: Clock
    _newest: int = -1
    _timestamp: str = field(default="", init=False)
    """That of the last state file, with its backslashes."""

    def run(self, sequence: int) -> None:
        """Fetch this diff and all that follow. Ends with HistoryRewritten, FeedError (the directory cannot be made)."""
        self._make_directory(self.root)
        self._newest = self._newest_known()
        looked = False
        while True:
            if sequence > self._newest:
                if looked:
                    self.clock.wait(WAIT_S)
                looked = True
                sequence = self._look(sequence)
            else:
                sequence = self._fetch_diff(sequence)
                self._log(f"new_replicate_diff {sequence} {self._timestamp}")
                sequence += 1

    def _newest_known(self) -> int:
        try:
            with open(os.path.join(self.root, STATE_FILE), "rb") as file:
                return parse_state(file.read(), file.name).sequence
        except (OSError, FeedError):
            return -1

    def _look(self, sequence: int) -> int:
        """Fetch the newest state; return the number to go on with."""
        if not self._fetch(STATE_FILE, STATE_FILE, self._check_state, again=True):
            sequence = self._step_back(sequence)
        self._newest = self._newest_known()
        return sequence

    def _fetch_diff(self, sequence: int) -> int:
        """Fetch a diff and its state; return its number, or the one before if it does not come."""
        name = path_of(sequence)
        self._insist(lambda: self._make_directory(os.path.join(self.root, os.path.dirname(name))))
        for ending in (STATE_ENDING, DIFF_ENDING):
            if not self._fetch(name + ending, name + ending, self._check_of(sequence, ending)):
                sequence = self._step_back(sequence)
                break
        self._insist(lambda: self._put(NEWEST_FILE, f"{sequence}\n".encode()))
        return sequence

    def _step_back(self, sequence: int) -> int:
        """A file does not come: has the feed been rewritten? The diff before it tells. Returns its number."""
        self._log(f"upstream_delay {sequence}")
        sequence -= 1
        name = path_of(sequence)
        changed = []
        for ending in (STATE_ENDING, DIFF_ENDING):
            again = name + ".new" + ending
            while not self._fetch(name + ending, again, self._check_of(sequence, ending)):
                pass
            if self._differ(name + ending, again):
                changed.append(f"Files {self._path(name + ending)} and {self._path(again)} differ")
        if changed:
            self._log(f"file_panic {sequence}")
            for line in changed:
                self._log(line)
            raise HistoryRewritten(f"the feed has other content for diff {sequence} than before: {'; '.join(changed)}")
        for ending in (STATE_ENDING, DIFF_ENDING):
            os.unlink(self._path(name + ".new" + ending))
        return sequence

    def _differ(self, name: str, again: str) -> bool:
        try:
            with open(self._path(name), "rb") as old, open(self._path(again), "rb") as new:
                return old.read() != new.read()
        except FileNotFoundError:
            return False  # it was not fetched before

    # --- one file ---------------------------------------------------------------------------------------------------

    def _fetch(self, name: str, local: str, check: Callable[[bytes, str], object], *, again: bool = False) -> bool:
        """Make a file of the feed a local one, unless it is there and not `again`; False after 21 failures."""
        if not again and self._is_there(local, check):
            return True
        url = f"{self.feed.url}/{name}"
        for attempt in range(MOST_FAILURES + 1):
            if attempt:
                self.clock.wait(WAIT_S)
            try:
                content = self.feed.get(url, LARGEST_DIFF_BYTES if name.endswith(DIFF_ENDING) else LARGEST_STATE_BYTES)
                check(content, url)
                self._put(local, content)
                return True
            except FeedError as error:
                print(error, file=sys.stderr, flush=True)
        return False

    def _is_there(self, local: str, check: Callable[[bytes, str], object]) -> bool:
        path = self._path(local)
        try:
            with open(path, "rb") as file:
                check(file.read(), path)
        except FileNotFoundError:
            return False
        except (OSError, FeedError) as error:
            print(f"{error}; fetching it again", file=sys.stderr, flush=True)
            return False
        return True

    def _check_of(self, sequence: int, ending: str) -> Callable[[bytes, str], object]:
        def check_state(content: bytes, name: str) -> None:
            found = self._check_state(content, name)
            if found != sequence:
                raise Damaged(f"{name}: says of itself that it is number {found}")

        def check_diff(content: bytes, name: str) -> None:
            read_diff(sequence, content, name)

        return check_state if ending == STATE_ENDING else check_diff

    def _check_state(self, content: bytes, name: str) -> int:
        sequence = parse_state(content, name).sequence
        lines = content.decode("utf-8", "replace").splitlines()
        self._timestamp = next(line[len("timestamp=") :] for line in lines if line.startswith("timestamp="))
        return sequence

    def _put(self, local: str, content: bytes) -> None:
        path = self._path(local)
        try:
            with open(path + ".part", "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.rename(path + ".part", path)
        except OSError as error:
            raise FeedError(f"{path}: cannot write: {error.strerror}") from None

    def _insist(self, write: Callable[[], None]) -> None:
        """What a full disk does not take is tried again, for ever."""
        while True:
            try:
                return write()
            except FeedError as error:
                print(error, file=sys.stderr, flush=True)
                self.clock.wait(WAIT_S)

    def _make_directory(self, path: str) -> None:
        try:
            os.makedirs(path, exist_ok=True)
        except OSError as error:
            raise FeedError(f"{path}: {error.strerror}") from None

    def _path(self, local: str) -> str:
        return os.path.join(self.root, local)

    def _log(self, text: str) -> None:
        append(self._path(LOG_FILE), f"fetch_osc()@{date_and_time(self.clock)}: {text}\n")
