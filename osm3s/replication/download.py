"""Downloads a clone: first its index, which says what else there must be, then block files; the index appears last."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import requests
import urllib3

from osm3s.errors import InputError, Osm3sError, StorageError, UsageError
from osm3s.paths import DatabaseDir
from osm3s.replication.clock import Clock
from osm3s.replication.errors import Absent, Damaged, FeedError
from osm3s.replication.feed import CHUNK_BYTES, CONNECT_TIMEOUT_S, SILENCE_TIMEOUT_S, HttpFeed
from osm3s.storage.index import settings_in_file
from osm3s.storage.mirrors import write_mirrors
from osm3s.storage.settings import LEVELS, DatabaseSettings

RETRY_S = 15.0
DEADLINE_S = 86_400.0
"""Per file."""
PART = ".part"
LARGEST_TEXT_BYTES = 4096


class Unavailable(Osm3sError):
    """A file did not come before its deadline."""

    exit_status = 1


@dataclass(slots=True)
class CloneDownload:
    """`source` is the URL of an Overpass server; its `trigger_clone` names the newest clone."""

    source: str
    root: str
    clock: Clock
    say: Callable[[str], None]

    def run(self, level: str) -> DatabaseSettings:
        """Raises UsageError, InputError (no clone, or one that lacks what `level` needs), StorageError, Unavailable."""
        db = DatabaseDir(self.root)
        if db.exists:
            raise UsageError(f"{self.root}: there is a database already: remove it, or take another directory")
        try:
            os.makedirs(self.root, exist_ok=True)
            base_url = self._base_url()
            with open(db.base_url, "w", encoding="utf-8") as file:
                file.write(base_url + "\n")
            of_map = self._domain(base_url, db, level)
            write_mirrors(db, of_map.timestamp, of_map.replicate_id)
            with suppress(Absent):
                of_areas = self._domain(base_url, db.areas, "data")
                write_mirrors(db.areas, of_areas.timestamp, "")
        except Absent as error:
            raise InputError(f"{error}: this is no clone that osm3s can read; import a planet file instead") from None
        except OSError as error:
            raise StorageError(f"{error.filename or self.root}: {error.strerror}") from None
        return of_map

    def _base_url(self) -> str:
        url = f"{self.source.rstrip('/')}/trigger_clone"
        text = HttpFeed(url).get(url, LARGEST_TEXT_BYTES).decode("utf-8", "replace").strip()
        if not text.startswith(("http://", "https://")) or len(text.split()) != 1:
            raise InputError(f"{url}: does not name a clone, but says {text[:80]!r}")
        return text.rstrip("/")

    def _domain(self, base_url: str, db: DatabaseDir, level: str) -> DatabaseSettings:
        index = db.index + PART
        self._fetch(base_url, db.index, None)
        settings = settings_in_file(index)
        if LEVELS.index(settings.level) < LEVELS.index(level):
            os.unlink(index)
            raise InputError(f"{base_url}: this clone keeps only {settings.level}, not {level}")
        for path, length in zip(map(db.file, db.block_files), settings.file_len, strict=False):
            if length:
                self._fetch(base_url, path, length)
                os.rename(path + PART, path)
            else:
                open(path, "wb").close()
        os.rename(index, db.index)
        return settings

    def _fetch(self, base_url: str, path: str, length: int | None) -> None:
        """Download one file beside its place. `length`: what it must have at least."""
        url, part = f"{base_url}/{os.path.basename(path)}", path + PART
        self.say(f"Fetching {os.path.basename(path)}")
        with suppress(FileNotFoundError):
            os.unlink(part)
        deadline_s = self.clock.now_s() + DEADLINE_S
        with requests.Session() as session:
            while True:
                try:
                    _download(session, url, part)
                    break
                except Absent:
                    raise
                except FeedError as error:
                    self.say(str(error))
                if self.clock.now_s() >= deadline_s:
                    raise Unavailable(f"File {url} unavailable. Aborting.")
                self.clock.wait(RETRY_S)
        if length is not None and os.path.getsize(part) + 63 < length:
            raise InputError(f"{url}: too short: the index is of another version of the clone; start again")


def _download(session: Any, url: str, part: str) -> None:
    """Go on with what is there already. Raises FeedError: what has come is kept; OSError: it cannot be written."""
    have = os.path.getsize(part) if os.path.exists(part) else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        answer = session.get(url, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT_S, SILENCE_TIMEOUT_S))
    except requests.RequestException as error:
        raise FeedError(f"{url}: {error}") from None
    with answer:
        if answer.status_code in (404, 410):
            raise Absent(f"{url}: not there")
        if answer.status_code == 416:
            os.unlink(part)
            raise Damaged(f"{url}: has changed meanwhile")
        if answer.status_code not in (200, 206):
            raise FeedError(f"{url}: the server answers {answer.status_code} {answer.reason}")
        if answer.status_code == 200:
            have = 0
        stated = answer.headers.get("Content-Length", "")
        with open(part, "r+b" if have else "wb") as file:
            file.seek(have)
            received = 0
            try:
                for data in answer.raw.stream(CHUNK_BYTES, decode_content=False):
                    file.write(data)
                    received += len(data)
            except urllib3.exceptions.HTTPError as error:
                raise FeedError(f"{url}: {error}") from None
            if stated.isdecimal() and received != int(stated):
                raise FeedError(f"{url}: truncated: {received} of {stated} bytes")
            file.truncate()
            file.flush()
            os.fdatasync(file.fileno())
