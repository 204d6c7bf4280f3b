"""The conversation on a frontend's Unix socket.

    client → frontend   u32 length (little endian), that many bytes of a packed Request, and with the first of them the
                        descriptors the answer goes to: standard output and standard error, or an HTTP connection
    frontend → client   one byte when the answer is complete: the exit status (HTTP: see response.py)

End of file without that byte means that the frontend died and the answer may be cut. A client that closes its end
cancels the query.
"""

from __future__ import annotations

import array
import os
import socket
import struct

from osm3s.constants import MAX_BODY_BYTES
from osm3s.errors import InputError
from osm3s.serve.request import Request, unpack

LENGTH = struct.Struct("<I")
MAX_MESSAGE_BYTES = MAX_BODY_BYTES + 1024 * 1024
"""A body of the largest size, and everything else that belongs to a request."""
MAX_DESCRIPTORS = 2
FIRST_READ_BYTES = 64 * 1024

Fds = list[int]


def frame(request: Request) -> bytes:
    message = request.pack()
    return LENGTH.pack(len(message)) + message


def send(connection: socket.socket, request: Request, descriptors: Fds) -> None:
    """Blocking; raises OSError if the frontend has gone."""
    data = memoryview(frame(request))
    sent = socket.send_fds(connection, [data], descriptors)
    if sent < len(data):  # sending nothing would fail if the frontend is through already
        connection.sendall(data[sent:])


def receive(connection: socket.socket) -> tuple[Request, Fds]:
    """Blocking; raises InputError for a malformed, cut or oversized message, or one without descriptors, having closed
    what came with it."""
    descriptors: Fds = []
    try:
        data, descriptors, _, _ = _receive_first(connection)
        if len(data) < LENGTH.size or not descriptors:
            raise InputError("a message to the frontend is cut")
        (length,) = LENGTH.unpack_from(data)
        if length > MAX_MESSAGE_BYTES:
            raise InputError("a message to the frontend is too long")
        message = bytearray(data[LENGTH.size :])
        while len(message) < length:
            if not (data := connection.recv(min(length - len(message), 1024 * 1024))):
                raise InputError("a message to the frontend is cut")
            message += data
        if len(message) > length:
            raise InputError("a message to the frontend is followed by something else")
        return unpack(bytes(message)), descriptors
    except (InputError, OSError):
        for descriptor in descriptors:
            os.close(descriptor)
        raise


def _receive_first(connection: socket.socket) -> tuple[bytes, Fds, int, object]:
    space = socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)
    data, ancillary, flags, address = connection.recvmsg(FIRST_READ_BYTES, space, socket.MSG_CMSG_CLOEXEC)
    descriptors = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    return data, list(descriptors), flags, address
