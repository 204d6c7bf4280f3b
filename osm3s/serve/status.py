"""What a client can learn about the server and its own queries there: status, timestamp and kill_my_queries."""

from __future__ import annotations

import os
import time

from osm3s.dispatch.client import NOT_RUNNING_ORIGIN, DispatcherClient
from osm3s.dispatch.identity import client_token
from osm3s.errors import DispatcherError
from osm3s.ffi import ffi, lib
from osm3s.paths import DatabaseDir
from osm3s.serve.request import Database

SLOTS_IF_UNLIMITED = 64
"""Told to clients that look for free slots before they ask, where nothing limits them."""


def status_text(database: Database, address: str, now_s: float, api_key: str = "") -> str:
    """What a client may do at the moment. The order of the lines is part of the contract: clients count them.

    Raises DispatcherError if no dispatcher answers.
    """
    try:
        with DispatcherClient.connect(database.root or None, database.socket_dir) as client:
            root = client.db_dir
            token, rate_limit, queries, ends = client.my_status(address, api_key)
    except DispatcherError as error:
        if not database.direct or error.origin != NOT_RUNNING_ORIGIN:
            raise
        root, token, rate_limit, queries, ends = database.root, client_token(address), 0, [], []
    blocked = sorted(end for end in ends if end >= int(now_s))
    free = rate_limit - len(queries) - len(blocked) if rate_limit else max(1, SLOTS_IF_UNLIMITED - len(queries))
    lines = [
        f"Connected as: {token}",
        f"Current time: {utc(now_s)}",
        f"Announced endpoint: {_announced_endpoint(root)}",
        f"Rate limit: {rate_limit}",
        *([f"{free} slots available now."] if free > 0 else []),
        *(f"Slot available after: {utc(end)}, in {end - int(now_s)} seconds." for end in blocked),
        "Currently running queries (pid, space limit, time limit, start time):",
        *(f"{pid}\t{space}\t{limit_s}\t{utc(start)}" for _, pid, limit_s, space, start, _ in queries),
    ]
    return "\n".join(lines) + "\n"


def utc(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch_s))


def _announced_endpoint(root: str) -> str:
    try:
        with open(DatabaseDir(root).server_name, encoding="utf-8") as file:
            name = file.readline().strip()
    except OSError:
        return "none"
    if not name or name.rstrip("/") == "/api":
        return "none"
    return name if name.endswith("/") else name + "/"


def database_root(database: Database) -> str:
    """The database directory, of which the dispatcher knows where it is. Raises DispatcherError."""
    try:
        with DispatcherClient.connect(database.root or None, database.socket_dir) as client:
            return client.db_dir
    except DispatcherError:
        if not database.direct:
            raise
        return database.root


def data_timestamp(database: Database) -> str:
    """The time up to which the database has the changes; "" if it was never told. Raises DispatcherError."""
    try:
        with open(DatabaseDir(database_root(database)).version, encoding="utf-8") as file:
            return file.readline().rstrip("\n").replace("\\", "")
    except OSError:
        return ""


def kill_my_queries(database: Database, address: str) -> str:
    """End the running queries of this address. Raises DispatcherError.

    Local tools, which have no address, are nobody's queries.
    """
    with DispatcherClient.connect(database.root or None, database.socket_dir) as client:
        queries = client.my_status(address).queries if address else []
    lines = []
    for _, pid, _, _, _, asked in queries:
        lines.append(f"Killing query (pid {pid}) from IP {address} ...")
        failed = lib.osm3s_end_query(pid, asked)
        lines.append(f"{os.strerror(ffi.errno)}." if failed else "Done!")
    return "\n".join(lines or [f"No query running from IP {address}"]) + "\n"
