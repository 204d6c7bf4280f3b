"""The CGI programs without a frontend: one process per request, as the reference does it."""

from __future__ import annotations

import os
import sys

from osm3s.constants import MAX_BODY_BYTES
from osm3s.errors import QueryFailed
from osm3s.serve.doors import DOORS
from osm3s.serve.request import Database, Request

DIED_STATUS = 70


def main(arguments: list[str] | None = None) -> int:
    """The argument is the name by which the program was called."""
    arguments = sys.argv[1:] if arguments is None else arguments
    from osm3s.serve import web
    from osm3s.serve.engine import NATIVE

    env = os.environ
    database = Database(env.get("OVERPASS_DB_DIR", ""), socket_dir=env.get("OVERPASS_SOCKET_DIR") or None)
    request = Request(
        door=arguments[0] if arguments and arguments[0] in DOORS else "interpreter",
        method=env.get("REQUEST_METHOD", ""),
        query_string=os.fsencode(env.get("QUERY_STRING", "")),
        remote_addr=env.get("REMOTE_ADDR", ""),
        api_key=env.get("HTTP_X_API_KEY", ""),
        origin=env.get("HTTP_ORIGIN", ""),
        requested_headers=env.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", ""),
    )
    length = env.get("CONTENT_LENGTH", "")
    if request.needs_body and (length or request.door == "interpreter"):
        most = int(min(float(length), MAX_BODY_BYTES + 1)) if length.isdecimal() else MAX_BODY_BYTES + 1
        request = request.with_body(sys.stdin.buffer.read(most))
    try:
        return web.serve(request, sys.stdout.fileno(), database, NATIVE)
    except QueryFailed:  # whoever was to read the answer has gone
        return DIED_STATUS


if __name__ == "__main__":
    sys.exit(main())
