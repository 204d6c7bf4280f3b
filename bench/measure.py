"""Measuring: a child process to its end, a set of timings, the page cache."""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = mmap.PAGESIZE
SAMPLE_INTERVAL_S = 0.1


@dataclass(frozen=True)
class ProcessFigures:
    """One process and the children it waited for, from start to end.

    `peak_memory_bytes` is the larger of the kernel's figure for the largest single process and the largest sum of
    resident sizes over the process tree seen in samples; `written_bytes` is what they gave the kernel for a disk.
    """

    wall_s: float
    user_s: float
    system_s: float
    peak_memory_bytes: int
    written_bytes: int
    exit_code: int


class CommandFailed(Exception):
    """A measured command ended with an exit code other than 0; the text holds the end of its standard error."""


def resident_bytes_of_tree(root_pid: int) -> int:
    """Sum of the resident sizes of a process and all its living descendants; 0 when it is gone."""
    total = 0
    pending = [root_pid]
    while pending:
        pid = pending.pop()
        try:
            with open(f"/proc/{pid}/statm") as statm:
                total += int(statm.read().split()[1]) * PAGE_BYTES
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as children:
                    pending += map(int, children.read().split())
        except (OSError, IndexError):
            continue
    return total


def run_measured(
    command: Sequence[str | Path],
    *,
    log: Path,
    stdin_path: Path | None = None,
    stdin_command: Sequence[str | Path] | None = None,
    environment: Mapping[str, str] | None = None,
) -> ProcessFigures:
    """Run `command`, fed from a file or from another command's output, and return its figures without the feeder's.

    Standard output and error go to `log`. Raises CommandFailed on an exit code other than 0, of the feeder as well.
    """
    feeder = None
    with open(log, "wb") as log_file, open(stdin_path or os.devnull, "rb") as stdin_file:
        if stdin_command is not None:
            feeder = subprocess.Popen(list(map(str, stdin_command)), stdout=subprocess.PIPE, stderr=log_file)
        source = feeder.stdout if feeder is not None else stdin_file
        started = time.perf_counter()
        child = subprocess.Popen(
            list(map(str, command)),
            stdin=source,
            stdout=log_file,
            stderr=log_file,
            env={**os.environ, **(environment or {})},
        )
        if feeder is not None and feeder.stdout is not None:
            feeder.stdout.close()
        sampler = _TreeSampler(child.pid)
        sampler.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        sampler.stop()
        if feeder is not None and feeder.wait() != 0 and child.returncode == 0:
            raise CommandFailed(f"{stdin_command}: exit code {feeder.returncode}\n{tail(log)}")
    if child.returncode != 0:
        raise CommandFailed(f"{Path(command[0]).name}: exit code {child.returncode}\n{tail(log)}")
    return ProcessFigures(
        wall_s=wall_s,
        user_s=usage.ru_utime,
        system_s=usage.ru_stime,
        peak_memory_bytes=max(usage.ru_maxrss * 1024, sampler.peak_bytes),
        written_bytes=usage.ru_oublock * 512,
        exit_code=child.returncode,
    )


class _TreeSampler(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak_bytes = 0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(SAMPLE_INTERVAL_S):
            self.peak_bytes = max(self.peak_bytes, resident_bytes_of_tree(self.pid))

    def stop(self) -> None:
        self._over.set()
        self.join()


def tail(log: Path, length: int = 600) -> str:
    """The last `length` bytes of a log as text."""
    return log.read_bytes()[-length:].decode("utf-8", "replace").strip()


def files_of(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())


def sync_files(directory: Path) -> float:
    """fsync every file below a directory and return the seconds it took."""
    started = time.perf_counter()
    for path in files_of(directory):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return time.perf_counter() - started


def drop_from_page_cache(directory: Path) -> None:
    """Throw the files below a directory out of the page cache. Pages that are dirty or mapped by a process stay."""
    for path in files_of(directory):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def load_single_pages(directory: Path) -> None:
    """Bring the files below a directory into the page cache in single pages.

    Files that were copied lie there in large folios, and a kernel with these counts a whole folio (up to 2 MB) as
    written when one page of it is. What reaches the disk is the same; what processes are said to have written is not.
    """
    drop_from_page_cache(directory)
    for path in files_of(directory):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
            at = 0
            while chunk := os.pread(descriptor, 1 << 20, at):
                at += len(chunk)
        finally:
            os.close(descriptor)


def cached_bytes(directory: Path) -> int:
    """How much of the files below a directory is in the page cache now."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    pages = 0
    for path in files_of(directory):
        size = path.stat().st_size
        if size == 0:
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
        finally:
            os.close(descriptor)
        if address in (None, ctypes.c_void_p(-1).value):
            continue
        states = ctypes.create_string_buffer((size + PAGE_BYTES - 1) // PAGE_BYTES)
        if libc.mincore(address, size, states) == 0:
            pages += sum(state & 1 for state in states.raw[: (size + PAGE_BYTES - 1) // PAGE_BYTES])
        libc.munmap(address, size)
    return pages * PAGE_BYTES


def disk_bytes(directory: Path) -> int:
    """What the files below a directory occupy on the disk (holes not counted)."""
    return sum(path.stat().st_blocks * 512 for path in files_of(directory))
