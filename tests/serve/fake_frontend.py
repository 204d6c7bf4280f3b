"""A warmed parent whose children obey one-word orders instead of queries; run as a program: SOCKET LOG."""

from __future__ import annotations

import os
import sys
import time

from python_sink import PythonSink

from osm3s.serve import wire
from osm3s.serve.limits import limit_execution
from osm3s.serve.parent import Parent
from osm3s.serve.request import Request
from osm3s.serve.response import WebResponse


def answer(request: Request, descriptors: wire.Fds) -> int:
    sink = PythonSink(descriptors[0])
    order, _, argument = request.input.decode().strip().removeprefix("data=").partition("=")
    if request.transport == "console":
        sink.write(f"console {order} {' '.join(request.arguments)}\n".encode())
        sink.finish()
        os.write(descriptors[1], b"message\n")
        return int(argument or 0)
    response = WebResponse(request, sink)
    if order == "refuse":
        response.refuse(int(argument), ["line 1: parse error: <&>"])
        response.finish()
        return response.exit_status
    if order == "crash":
        os.kill(os.getpid(), 11)
    if order == "overrun":
        limit_execution(0.2, 10**9, grace_s=0.1)
        while True:
            pass
    if order == "hang":
        os.write(os.open(argument, os.O_WRONLY | os.O_CREAT), str(os.getpid()).encode())
        time.sleep(600)
    if order == "memory":
        limit_execution(60, 10**6)
        try:
            bytearray(3 * 10**9)
        except MemoryError:
            response.refuse(200, ["no memory"])
            response.finish()
            return 0
    response.start(200, "text/plain")
    if order == "stream":
        for number in range(int(argument)):
            sink.write(b"%09d\n" % number)
    elif order == "pour":
        os.write(os.open(argument, os.O_WRONLY | os.O_CREAT), str(os.getpid()).encode())
        while True:
            sink.write(b"x" * 1_000_000)
    elif order == "crash-later":
        sink.write(b"x" * 1_000_000)
        os.kill(os.getpid(), 9)
    elif not request.head_only:
        sink.write(f"{request.door} {request.method} {request.remote_addr} {request.input.decode()}".encode())
    response.finish()
    return 0


if __name__ == "__main__":
    Parent(sys.argv[1], answer, sys.argv[2], idle_children=3, running_children=40).run(ready=1)
