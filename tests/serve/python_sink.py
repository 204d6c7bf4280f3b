"""The sink's contract in Python, for tests of the doors without the native core."""

from __future__ import annotations

import os

BUFFER_BYTES = 64 * 1024


class PythonSink:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._head: bytes | None = None
        self._chunked: bool | None = None
        self._framed = False
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        self._data += data
        if len(self._data) >= BUFFER_BYTES:
            self._flush(last=False)

    def frame_http(self, head: bytes, chunked: bool) -> None:
        self._head, self._framed, self._may_chunk = head, True, chunked

    def finish(self) -> None:
        self._flush(last=True)

    def _flush(self, last: bool) -> None:
        out = bytearray()
        if self._framed and self._head is not None:
            out += self._head
            self._chunked = not last and self._may_chunk
            if last:
                out += b"Content-Length: %d\r\n" % len(self._data)
            elif self._chunked:
                out += b"Transfer-Encoding: chunked\r\n"
            out += b"\r\n"
            self._head = None
        if self._chunked and self._data:
            out += b"%x\r\n" % len(self._data) + self._data + b"\r\n"
        else:
            out += self._data
        if self._chunked and last:
            out += b"0\r\n\r\n"
        self._data.clear()
        view = memoryview(out)
        while view:
            view = view[os.write(self._descriptor, view) :]
