"""Streams in the formats that osmium reads and we do not, o5m and OPL, as the PBF stream that osmium makes of them.

osmium works in a process of its own: it reads from a pipe, and whatever hostile data does to it, it does to it alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from contextlib import suppress

from osm3s.errors import InputError
from osm3s.update.read_stream import ByteSource

CHUNK_BYTES = 256 * 1024
_STARTS = {"o5m": re.compile(rb"\xff\xe0\x04o5m2"), "opl": re.compile(rb"(#[^\n]*\n)*[nwr]-?[0-9]+[ \n]")}
_LAST_BYTE = {"o5m": b"\xfe", "opl": b"\n"}
"""osmium takes what ends without it for whole."""
# As osh.pbf, because only there osmium keeps which elements are deleted.
_TO_PBF = """
import sys, osmium
try:
    reader = osmium.io.Reader(osmium.io.File("-", sys.argv[1]))
    header = reader.header()
    header.set("osmosis_replication_timestamp", header.get("timestamp"))
    with osmium.SimpleWriter(osmium.io.File("-", "osh.pbf"), header=header) as writer:
        osmium.apply(reader, writer)
    reader.close()
except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
    sys.exit(str(error).splitlines()[0])
"""


def convertible(first_bytes: bytes) -> str | None:
    """Which of the formats data that begins like this has."""
    return next((name for name, start in _STARTS.items() if start.match(first_bytes)), None)


class ConvertedStream:
    """The elements of `source`, which is in `form`, in the order of the file. Raises InputError if osmium refuses
    them, or if reading `source` fails."""

    def __init__(self, source: ByteSource, form: str, name: str) -> None:
        self._source, self._form, self._name = source, form, name
        self._fault: InputError | None = None
        command = [sys.executable, "-P", "-c", _TO_PBF, form]
        pipe = subprocess.PIPE
        self._osmium = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
        threading.Thread(target=self._feed, daemon=True, name="convert_stream").start()

    def read(self, n: int) -> bytes:
        assert self._osmium.stdout is not None
        assert self._osmium.stderr is not None
        if data := self._osmium.stdout.read(n):
            return data
        said = self._osmium.stderr.read().decode("utf-8", "replace").strip()
        if self._osmium.wait() or self._fault:
            raise self._fault or InputError(f"{self._name}: {said.splitlines()[-1] if said else 'osmium has died'}")
        return b""

    def _feed(self) -> None:
        assert self._osmium.stdin is not None
        last = b""
        with suppress(BrokenPipeError), self._osmium.stdin as pipe:  # osmium says itself why it wants no more
            try:
                while data := self._source.read(CHUNK_BYTES):
                    pipe.write(data)
                    last = data[-1:]
                if last != _LAST_BYTE[self._form]:
                    raise InputError(f"{self._name}: the file is truncated: its {self._form} data ends too early")
            except InputError as fault:
                self._fault = fault
                self._osmium.kill()  # else it would take the cut data for all of it

    def close(self) -> None:
        self._osmium.kill()
        self._osmium.wait()
