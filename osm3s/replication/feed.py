"""A feed: a numbered row of diffs somewhere, and its state files. Here: over HTTP, through one connection kept open."""

from __future__ import annotations

import time
import zlib
from typing import Any, Protocol

import requests
import urllib3

from osm3s.replication.diff import Diff, read_diff
from osm3s.replication.errors import Absent, Damaged, FeedError, OutOfSequence
from osm3s.replication.state import DIFF_ENDING, STATE_ENDING, STATE_FILE, State, parse_state, path_of

CONNECT_TIMEOUT_S = 15.0
SILENCE_TIMEOUT_S = 60.0
"""A server that sends nothing for so long is given up."""
FILE_TIMEOUT_S = 1800.0
"""A file that is not there after so long is given up, however steadily it drips."""
LARGEST_STATE_BYTES = 1 << 16
LARGEST_DIFF_BYTES = 1 << 30
CHUNK_BYTES = 1 << 18
LONGEST_RETRY_AFTER_S = 3600.0


class Feed(Protocol):
    """All methods raise FeedError: Absent, Damaged, or just that."""

    def newest(self) -> State: ...

    def state(self, sequence: int) -> State: ...

    def diff(self, sequence: int) -> Diff: ...


class HttpFeed:
    """A feed below a URL like https://planet.openstreetmap.org/replication/minute."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()  # its pool of connections may be used by several threads
        # diffs are compressed already, and a length that is stated must be that of what is received
        self._session.headers.update({"User-Agent": "osm3s", "Accept-Encoding": "identity"})

    def newest(self) -> State:
        url = f"{self.url}/{STATE_FILE}"
        return parse_state(self._text(url), url)

    def state(self, sequence: int) -> State:
        url = f"{self.url}/{path_of(sequence)}{STATE_ENDING}"
        state = parse_state(self._text(url), url)
        if state.sequence != sequence:
            raise OutOfSequence(f"{url}: says of itself that it is number {state.sequence}")
        return state

    def diff(self, sequence: int) -> Diff:
        url = f"{self.url}/{path_of(sequence)}{DIFF_ENDING}"
        return read_diff(sequence, self.get(url, LARGEST_DIFF_BYTES), url)

    def _text(self, url: str) -> bytes:
        content = self.get(url, LARGEST_STATE_BYTES)
        if not content.startswith(b"\x1f\x8b"):
            return content
        try:
            return zlib.decompressobj(wbits=31).decompress(content, LARGEST_STATE_BYTES)
        except zlib.error as error:
            raise Damaged(f"{url}: damaged gzip data: {error}") from None

    def get(self, url: str, most_bytes: int) -> bytes:
        """The file as it is stored there, complete. Raises FeedError."""
        try:
            with self._session.get(url, stream=True, timeout=(CONNECT_TIMEOUT_S, SILENCE_TIMEOUT_S)) as answer:
                _check_status(answer, url)
                return _body(answer, url, most_bytes)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise FeedError(f"{url}: {_reason(error)}") from None

    def close(self) -> None:
        self._session.close()


def _check_status(answer: requests.Response, url: str) -> None:
    if answer.status_code != 200:
        answer.raw.read(LARGEST_STATE_BYTES)  # the connection can be used again when its answer has been read
    if answer.status_code in (404, 410):
        raise Absent(f"{url}: not there ({answer.status_code})")
    if answer.status_code != 200:
        raise FeedError(
            f"{url}: the server answers {answer.status_code} {answer.reason}",
            _retry_after_s(answer.headers.get("Retry-After", "")),
        )


def _retry_after_s(value: str) -> float:
    return min(float(value), LONGEST_RETRY_AFTER_S) if value.isascii() and value.isdecimal() else 0.0


def _body(answer: requests.Response, url: str, most_bytes: int) -> bytes:
    raw: Any = answer.raw  # as it is stored: whatever Content-Encoding says, nothing is decompressed on the way
    raw.enforce_content_length = True
    parts, length = [], 0
    end_s = time.monotonic() + FILE_TIMEOUT_S
    for part in raw.stream(CHUNK_BYTES, decode_content=False):
        parts.append(part)
        length += len(part)
        if length > most_bytes:
            raise Damaged(f"{url}: larger than {most_bytes} bytes")
        if time.monotonic() > end_s:
            raise FeedError(f"{url}: not complete after {FILE_TIMEOUT_S:.0f} s")
    stated = answer.headers.get("Content-Length", "")
    if stated.isdecimal() and int(stated) != length:
        raise Damaged(f"{url}: truncated: {length} of {stated} bytes")
    return b"".join(parts)


def _reason(error: Exception) -> str:
    """The innermost cause, on one line: what libraries wrap around it helps nobody."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    text = " ".join(str(getattr(cause, "strerror", None) or cause).split())
    return text or type(cause).__name__
