"""Frames of the dispatcher's protocol: u32 length (little endian), then one msgpack list `[name, argument, ...]`.

Everything read here comes from a stranger: any process on the machine may connect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgpack

MAX_FRAME_BYTES = 1 << 20
"""Longest content of a frame."""
HEADER_BYTES = 4


class ProtocolError(Exception):
    """The peer sent something that is no frame or no known message; its connection is of no more use."""


def encode(message: Sequence[Any]) -> bytes:
    """One frame. Raises ProtocolError if the message is too long for a frame."""
    content: bytes = msgpack.packb(list(message))
    if len(content) > MAX_FRAME_BYTES:
        raise ProtocolError(f"a message of {len(content)} bytes is longer than a frame may be")
    return len(content).to_bytes(HEADER_BYTES, "little") + content


def decode(content: bytes) -> list[Any]:
    """The list in a frame. Raises ProtocolError."""
    try:
        message = msgpack.unpackb(content)
    except Exception as error:  # msgpack has half a dozen kinds of complaint, and all mean the same here
        raise ProtocolError(f"not msgpack: {type(error).__name__}") from None
    if not isinstance(message, list) or not message or not isinstance(message[0], str):
        raise ProtocolError("not a list that starts with a name")
    return message


class FrameBuffer:
    """Bytes as they arrive, in whatever pieces, turned into messages."""

    __slots__ = ("_at", "_bytes")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._at = 0

    def feed(self, data: bytes) -> None:
        if self._at:
            del self._bytes[: self._at]
            self._at = 0
        self._bytes += data

    def next_message(self) -> list[Any] | None:
        """The next complete message, or None until more bytes have come. Raises ProtocolError."""
        start = self._at + HEADER_BYTES
        if len(self._bytes) < start:
            return None
        length = int.from_bytes(self._bytes[self._at : start], "little")
        if not 0 < length <= MAX_FRAME_BYTES:
            raise ProtocolError(f"a frame of {length} bytes")
        if len(self._bytes) < start + length:
            return None
        self._at = start + length
        return decode(bytes(self._bytes[start : self._at]))
