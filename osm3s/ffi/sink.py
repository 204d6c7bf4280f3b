"""Where an answer goes: `Sink` owns a buffer in front of a file descriptor, or one that grows in memory."""

from __future__ import annotations

from typing import Any

from osm3s.ffi import check, ffi, lib

IN_MEMORY = -1


class Sink:
    """Collects an answer and passes it on in large pieces. `handle` is the `osm3s_sink *`.

    The descriptor stays the caller's. SIGPIPE must be ignored (Python does that). Every method that writes raises
    QueryFailed when the reader has gone, StorageError when a write fails otherwise; then nothing more is written.
    """

    __slots__ = ("handle",)

    def __init__(self, fd: int = IN_MEMORY) -> None:
        sink = lib.osm3s_sink_new(fd)
        if sink == ffi.NULL:
            check(lib.OSM3S_NOMEM)
        self.handle: Any = ffi.gc(sink, lib.osm3s_sink_free)

    def write(self, text: str | bytes) -> None:
        raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        check(lib.osm3s_sink_write(self.handle, raw, len(raw)))

    def next_element(self, separator: str) -> None:
        """Announce an element: writes the separator unless it is the first one."""
        raw = separator.encode()
        check(lib.osm3s_sink_next_element(self.handle, raw, len(raw)))

    def flush(self) -> None:
        check(lib.osm3s_sink_flush(self.handle))

    def frame_http(self, head: bytes, chunked: bool) -> None:
        """What is written from now on is the body of an HTTP response with this head, whose length is told in it if
        the answer is short, else it goes in chunks if these are allowed. Must come first."""
        check(lib.osm3s_sink_frame_http(self.handle, head, len(head), chunked))

    def finish(self) -> None:
        """Pass everything on and end the body of a response; nothing may be written after it."""
        check(lib.osm3s_sink_finish(self.handle))

    @property
    def elements(self) -> int:
        n: int = lib.osm3s_sink_elements(self.handle)
        return n

    @property
    def bytes_written(self) -> int:
        """Everything so far, flushed or not."""
        n: int = lib.osm3s_sink_bytes(self.handle)
        return n

    def data(self) -> bytes:
        """A copy of what is in the buffer: the whole answer of a sink in memory."""
        length = ffi.new("size_t *")
        start = lib.osm3s_sink_data(self.handle, length)
        content: bytes = ffi.unpack(start, length[0]) if length[0] else b""
        return content
