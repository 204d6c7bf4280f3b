"""A warmed parent with one token for slow queries; an order makes a query use a processor without end. SOCKET LOG."""

from __future__ import annotations

import os
import sys

from python_sink import PythonSink

from osm3s.ffi import lib
from osm3s.serve import wire
from osm3s.serve.limits import limit_execution
from osm3s.serve.parent import Parent
from osm3s.serve.request import Request
from osm3s.serve.response import WebResponse


def answer(request: Request, descriptors: wire.Fds) -> int:
    response = WebResponse(request, PythonSink(descriptors[0]))
    order, _, argument = request.input.decode().removeprefix("data=").partition("=")
    limit_execution(300, 10**9)
    if order == "change":
        lib.osm3s_lane_change()
    if order in ("burn", "change"):
        with open(argument, "w") as file:
            file.write(str(os.getpid()))
        while True:
            pass
    response.start(200, "text/plain")
    response.sink.write(b"cheap")
    response.finish()
    return 0


if __name__ == "__main__":
    parent = Parent(sys.argv[1], answer, sys.argv[2], idle_children=2, running_children=40)
    parent.slow_queries, parent.slow_after_s = 1, 0.02
    parent.run(ready=1)
