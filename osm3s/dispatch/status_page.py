"""The dispatcher's page in shared memory: read by every tool without a lock, written by the dispatcher alone.

Native byte order. A text is u16 length, then UTF-8.

| offset | type | what |
|---|---|---|
| 0 | 8 bytes | magic `OSM3SPG` and a zero |
| 8 | u32 | format version, 1 |
| 12 | u32 | pid of the dispatcher; 0 if it has ended in good order and left readers or a writer behind |
| 16 | u64 | sequence counter: odd while the page is being written, changed by every writing |
| 24 | u32 | CRC-32 of bytes 32 to 4096: finds torn reads where memory is weakly ordered, and pages torn by a crash |
| 28 | u32 | unused |
| 32 | u64 | data version (txn id); 0 if not known |
| 40 | u64 | start of the dispatcher in clock ticks since boot: with the pid it names one process |
| 48 | u32 | active readers |
| 52 | u32 | pid of the writer or 0 |
| 56 | 8 bytes | unused |
| 64 | text, 64 bytes | data timestamp |
| 128 | text, 64 bytes | replication id |
| 192 | text, 128 bytes | path of the socket |
| 320 | text, 3776 bytes | database directory, absolute |
| 4096 | 2560 times 24 bytes | readers, for the next dispatcher: u64 start ticks, u64 snapshot, u64 pid (0: free) |
"""

from __future__ import annotations

import mmap
import os
import struct
from contextlib import suppress
from time import sleep
from typing import NamedTuple
from zlib import crc32

from osm3s.dispatch.processes import start_ticks
from osm3s.dispatch.version import Version

MAGIC = b"OSM3SPG\0"
FORMAT_VERSION = 1
HEAD_BYTES = 4096
READERS_MAX = 2560
PAGE_BYTES = HEAD_BYTES + 24 * READERS_MAX

_FRONT = struct.Struct("=8sIIQII")
_NUMBERS = struct.Struct("=QQII8x")
_TEXTS = ((64, 64), (128, 64), (192, 128), (320, 3776))
"""Offset and size of each text, its length included."""
_LENGTH = struct.Struct("=H")
_READER = struct.Struct("=QQQ")
_SEQUENCE = 16 // 8
_TRIES = 1000
"""Beyond the first ones they are a millisecond apart."""
_DAMAGED_TRIES = 100
"""So often a page may be found unchanged and yet make no sense, if the process that was writing it has ended."""


class Status(NamedTuple):
    """What the page says."""

    pid: int
    start_ticks: int
    version: Version
    active_readers: int
    writer_pid: int
    db_dir: str
    socket_path: str

    @property
    def alive(self) -> bool:
        """Whether the dispatcher of this page still runs."""
        return self.pid > 0 and start_ticks(self.pid) == self.start_ticks


def read(path: str) -> Status | None:
    """The page, or None if there is none that makes sense. It may be that of a killed dispatcher: see `alive`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        return _read_settled(descriptor)
    finally:
        os.close(descriptor)


def _read_settled(descriptor: int) -> Status | None:
    """The page as soon as it is not just being written, which takes microseconds unless the dispatcher is suspended."""
    damaged = 0
    for attempt in range(_TRIES):
        head = os.pread(descriptor, HEAD_BYTES, 0)
        if len(head) < HEAD_BYTES or not head.startswith(MAGIC):
            return None
        status = _parse(head)
        unchanged = os.pread(descriptor, 8, 8 * _SEQUENCE) == head[8 * _SEQUENCE : 8 * _SEQUENCE + 8]
        if status is not None and unchanged:
            return status
        damaged += unchanged
        if damaged > _DAMAGED_TRIES and not _is_being_written(head):
            return None
        if attempt > 20:
            sleep(0.001)
    return None


def _is_being_written(head: bytes) -> bool:
    """The counter is odd and who writes still runs; those fields are the same in every writing of a dispatcher."""
    _, _, pid, sequence, _, _ = _FRONT.unpack_from(head)
    _, ticks, _, _ = _NUMBERS.unpack_from(head, 32)
    return bool(sequence % 2 and pid and start_ticks(pid) == ticks)


def _parse(head: bytes) -> Status | None:
    magic, format_version, pid, sequence, checksum, _ = _FRONT.unpack_from(head)
    if (magic, format_version) != (MAGIC, FORMAT_VERSION) or sequence % 2 or crc32(head[32:]) != checksum:
        return None
    txn_id, ticks, readers, writer_pid = _NUMBERS.unpack_from(head, 32)
    timestamp, replicate_id, socket_path, db_dir = (_text(head, offset) for offset, _ in _TEXTS)
    return Status(pid, ticks, Version(txn_id, timestamp, replicate_id), readers, writer_pid, db_dir, socket_path)


def _text(head: bytes, offset: int) -> str:
    (length,) = _LENGTH.unpack_from(head, offset)
    return head[offset + 2 : offset + 2 + length].decode("utf-8", "surrogateescape")


def survivors(path: str) -> dict[int, int]:
    """pid to snapshot of the listed readers that still run; of several snapshots of a process the oldest."""
    try:
        with open(path, "rb") as page:
            content = page.read(PAGE_BYTES)
    except OSError:
        return {}
    if len(content) < PAGE_BYTES or not content.startswith(MAGIC):
        return {}
    found: dict[int, int] = {}
    for ticks, snapshot, pid in _READER.iter_unpack(content[HEAD_BYTES:]):
        if pid and ticks and start_ticks(pid) == ticks:
            found[pid] = min(snapshot, found.get(pid, snapshot))
    return found


class Page:
    """The page being written. It is made under another name and put in place of whatever was there before."""

    def __init__(self, path: str, db_dir: str, socket_path: str) -> None:
        """Raises OSError."""
        self.path = path
        self._paths = (socket_path, db_dir)
        temporary = f"{path}.new"  # ours: whoever makes this page holds the database's lock
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            os.fchmod(descriptor, 0o644)
            os.ftruncate(descriptor, PAGE_BYTES)
            self._map = mmap.mmap(descriptor, PAGE_BYTES)
            self._bytes = memoryview(self._map)
            self._words = self._bytes.cast("Q")
            self._ticks = start_ticks(os.getpid())
            self._free = list(range(READERS_MAX))
            self._slots: dict[int, int] = {}
            self.write(Version(), 0, 0)
            os.rename(temporary, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        finally:
            os.close(descriptor)

    def write(self, version: Version, active_readers: int, writer_pid: int, *, pid: int | None = None) -> None:
        """Show this. Readers see either what was there before or all of it."""
        head = bytearray(HEAD_BYTES)
        _NUMBERS.pack_into(head, 32, version.txn_id, self._ticks, active_readers, writer_pid)
        texts = (version.timestamp, version.replicate_id, *self._paths)
        for (offset, size), text in zip(_TEXTS, texts, strict=True):
            content = text.encode("utf-8", "surrogateescape")[: size - 2]
            struct.pack_into(f"=H{len(content)}s", head, offset, len(content), content)
        sequence = (self._words[_SEQUENCE] | 1) + 1
        own_pid = os.getpid() if pid is None else pid
        _FRONT.pack_into(head, 0, MAGIC, FORMAT_VERSION, own_pid, sequence - 1, crc32(head[32:]), 0)
        self._words[_SEQUENCE] = sequence - 1
        self._bytes[:HEAD_BYTES] = head
        self._words[_SEQUENCE] = sequence

    def list_reader(self, conn: int, pid: int, snapshot: int, ticks: int) -> None:
        """`ticks` is the start of the process. Readers beyond the size of the table are not listed."""
        slot = self._slots.get(conn)
        if slot is not None:
            self._words[_first_word(slot) + 1] = snapshot
        elif self._free:
            slot = self._slots[conn] = self._free.pop()
            word = _first_word(slot)
            self._words[word] = ticks
            self._words[word + 1] = snapshot
            self._words[word + 2] = pid

    def unlist_reader(self, conn: int) -> None:
        slot = self._slots.pop(conn, None)
        if slot is not None:
            self._words[_first_word(slot) + 2] = 0
            self._free.append(slot)

    def keep_survivors(self, readers: dict[int, int]) -> None:
        """List readers that an earlier dispatcher left behind, under negative numbers."""
        for pid, snapshot in readers.items():
            self.list_reader(-pid, pid, snapshot, start_ticks(pid))


def _first_word(slot: int) -> int:
    return (HEAD_BYTES + slot * _READER.size) // 8
