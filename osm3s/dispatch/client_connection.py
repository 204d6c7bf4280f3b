"""One client's connection as the server sees it: bytes to requests, with no chance to hurt the others."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from osm3s.dispatch import requests
from osm3s.dispatch.processes import start_ticks
from osm3s.dispatch.wire import FrameBuffer, ProtocolError

if TYPE_CHECKING:
    from osm3s.dispatch.server import Server

REQUESTS_PER_TURN = 16
"""So many requests of one client are carried out before the others get their turn."""
UNREAD_MAX_BYTES = 1 << 20
"""A client that lets its answers pile up beyond this is cut off."""

_CREDENTIALS = struct.Struct("3i")


class ClientConnection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self.has_spoken = False
        """Whether it has sent a complete request yet."""
        self.asked = 0
        """How many queries it has asked permission for: with its process, that names the last one."""
        self._server = server
        self._frames = FrameBuffer()
        self._number = 0
        self._in_turn = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=UNREAD_MAX_BYTES)
        peer = transport.get_extra_info("socket")
        pid, self.uid, _ = _CREDENTIALS.unpack(
            peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        self._descriptor = peer.fileno()
        self.start_ticks = start_ticks(pid)
        """Names the process together with its pid; looked up now, since a query that asks should not wait for it."""
        self._number = self._server.opened(self, pid)

    def data_received(self, data: bytes) -> None:
        self._frames.feed(data)
        if not self._in_turn:
            self._take_turn()

    def _take_turn(self) -> None:
        self._in_turn = False
        try:
            for _ in range(REQUESTS_PER_TURN):
                if self._transport.is_closing():
                    return
                message = self._frames.next_message()
                if message is None:
                    self._transport.resume_reading()
                    return
                self.has_spoken = True
                self._server.request(self._number, *requests.check(message))
        except ProtocolError as error:
            self._server.broken(self._number, str(error))
            return
        self._in_turn = True
        self._transport.pause_reading()
        asyncio.get_running_loop().call_soon(self._take_turn)

    def pause_writing(self) -> None:
        self._server.broken(self._number, "it does not read its answers")
        self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._server.closed(self._number)

    def send(self, frame: bytes) -> None:
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() == 0:  # at once: the transport would wait for the end of our turn
            with suppress(OSError):
                frame = frame[os.write(self._descriptor, frame) :]
        if frame:
            self._transport.write(frame)

    def close(self) -> None:
        """Close after what was sent."""
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()
