"""The two sides of a comparison: this project and, if there is one, an installed reference."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote_plus

from bench.http_client import HttpClient
from bench.measure import CommandFailed, ProcessFigures, run_measured, tail

PROJECT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60.0
TO_XML = """
import sys, osmium
with osmium.SimpleWriter(osmium.io.File("-", "osm")) as writer:
    osmium.apply(sys.argv[1], writer)
"""


class Side(ABC):
    """One database system: where its programs and its database are, and how it imports and applies diffs.

    `level` is the option that says what is kept of each element: --meta or --keep-attic.
    """

    def __init__(self, name: str, prefix: Path, database: Path, level: str = "--meta") -> None:
        self.name, self.prefix, self.database, self.level = name, prefix, database, level

    def missing_programs(self) -> list[str]:
        return [name for name in ("update_database", "update_from_dir") if not (self.prefix / "bin" / name).exists()]

    @abstractmethod
    def import_file(self, pbf: Path, log: Path) -> ProcessFigures:
        """Empty the database and import a file. Raises CommandFailed."""

    def apply_diff(self, osc_dir: Path, log: Path) -> ProcessFigures:
        """Apply all diffs in a directory as one batch, no dispatcher running."""
        program = self.prefix / "bin" / "update_from_dir"
        return run_measured([program, f"--osc-dir={osc_dir}", f"--db-dir={self.database}", self.level], log=log)

    def make_empty(self) -> None:
        shutil.rmtree(self.database, ignore_errors=True)
        self.database.mkdir(parents=True)


class Ours(Side):
    def __init__(self, database: Path, level: str = "--meta", options: tuple[str, ...] = ()) -> None:
        """`options` are those of the server."""
        super().__init__(" ".join(["osm3s", *options]), PROJECT, database, level)
        self.options = options

    def import_file(self, pbf: Path, log: Path) -> ProcessFigures:
        self.make_empty()
        program = PROJECT / "bin" / "update_database"
        return run_measured([program, f"--db-dir={self.database}", self.level, pbf], log=log)

    def follow(self, feed: Path, log: Path) -> ProcessFigures:
        """Apply the diffs of a feed in a local directory in one process, each in a transaction of its own."""
        command = [PROJECT / "bin" / "osm3s", "follow", feed, f"--db-dir={self.database}"]
        return run_measured([*command, "--once", "--start=0", "--batch=1", "--quiet"], log=log)

    def server_command(self, port: int) -> list[str]:
        program = PROJECT / "bin" / "osm3s_server"
        return [str(program), f"--db-dir={self.database}", f"--port={port}", "--with-dispatcher"]

    @contextmanager
    def serving(self, log: Path) -> Iterator[HttpClient]:
        """A server with its dispatcher on this database, and a client that is connected to it."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # A directory of its own for the status page: the default name in /dev/shm is the reference's as well.
        pages = Path(tempfile.mkdtemp(prefix="osm3s-bench-", dir="/dev/shm"))
        environment = {**os.environ, "OSM3S_SHM_DIR": str(pages)}
        with open(log, "wb") as log_file:
            server = subprocess.Popen(self.server_command(port), stdout=log_file, stderr=log_file, env=environment)
        try:
            with HttpClient(port) as client:
                wait_until(lambda: connects(client), server, log)
                yield client
        finally:
            stop(server)
            shutil.rmtree(pages, ignore_errors=True)


class Reference(Side):
    """An installed OSM3S: fastest by `osm3s_query --db-dir`, usual by its CGI program with its dispatcher."""

    def __init__(self, prefix: Path, database: Path, level: str = "--meta") -> None:
        super().__init__("reference", prefix, database, level)

    def import_file(self, pbf: Path, log: Path) -> ProcessFigures:
        self.make_empty()
        to_xml: list[str | Path] = [sys.executable, "-c", TO_XML, pbf]
        program = self.prefix / "bin" / "update_database"
        return run_measured([program, f"--db-dir={self.database}", self.level], log=log, stdin_command=to_xml)

    def run_query(self, text: str, output: Path) -> float:
        """Run one query by `osm3s_query --db-dir` and return the seconds from start to exit. Raises CommandFailed."""
        program = self.prefix / "bin" / "osm3s_query"
        return _timed_run([program, f"--db-dir={self.database}", "--quiet"], text.encode(), output, dict(os.environ))

    def run_cgi(self, text: str, output: Path) -> float:
        """Run one query by the CGI program, as a web server would; needs `dispatching()`."""
        body = b"data=" + quote_plus(text).encode()
        environment = {
            **os.environ,
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
            "GATEWAY_INTERFACE": "CGI/1.1",
        }
        return _timed_run([self.prefix / "cgi-bin" / "interpreter"], body, output, environment)

    @contextmanager
    def dispatching(self, log: Path, domain: str = "--osm-base") -> Iterator[int]:
        """Yields its pid."""
        program = self.prefix / "bin" / "dispatcher"
        level = ["--meta"] if domain == "--osm-base" else []
        command = [program, domain, *level, f"--db-dir={self.database}/"]
        name = "osm3s_" + domain.removeprefix("--").replace("-", "_")
        entry = Path("/dev/shm", name)
        if entry.exists():
            raise CommandFailed(f"{entry} exists: another dispatcher of the reference runs, or one was killed")
        with open(log, "wb") as log_file:
            dispatcher = subprocess.Popen(list(map(str, command)), stdout=log_file, stderr=log_file)
        try:
            wait_until(lambda: (self.database / name).exists(), dispatcher, log)
            yield dispatcher.pid
        finally:
            stop(dispatcher)


def _timed_run(command: list[Path | str], stdin: bytes, output: Path, environment: dict[str, str]) -> float:
    """Seconds of a program from start to exit; posix_spawn, as fork's price is this process's and not the program's."""
    source_end, feed_end = os.pipe()
    os.set_inheritable(source_end, True)
    os.write(feed_end, stdin)  # queries are far below a pipe's 64 KB, so this cannot block
    os.close(feed_end)
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_DUP2, source_end, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0o644),
    ]
    words = list(map(str, command))
    started = time.perf_counter()
    pid = os.posix_spawn(words[0], words, environment, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    elapsed_s = time.perf_counter() - started
    os.close(source_end)
    if status != 0:
        raise CommandFailed(f"{Path(words[0]).name}: exit code {os.waitstatus_to_exitcode(status)}")
    return elapsed_s


def connects(client: HttpClient) -> bool:
    try:
        client.connect()
    except OSError:
        return False
    return True


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            raise CommandFailed(f"{process.args!r} did not start\n{tail(log)}")
        time.sleep(0.02)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
