"""Prints which modules queries import in a child of a warmed parent, although the parent should have them: DB_DIR."""

from __future__ import annotations

import os
import sys

from osm3s.cli import frontend
from osm3s.serve.child import warm_up
from osm3s.serve.engine import NATIVE
from osm3s.serve.request import Database, Request

QUERIES = (
    b"data=[out:json];(node[name](47,9,48,10);way[highway](47,9,48,10););out body;>;out skel qt;",
    b"data=<osm-script><query type='node'><has-kv k='name'/></query><print/></osm-script>",
    b"data=[out:csv(::id)];way(7);out count;",
    b"data=nonsense",
)

answer = frontend.answers(Database(sys.argv[1], direct=True), NATIVE)
warm_up(answer)
known = set(sys.modules)
if (child := os.fork()) == 0:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for query in QUERIES:
        answer(Request("interpreter", body=query), [nowhere])
    answer(Request("osm3s_query", "console", body=b"node(1);out;", arguments=("--quiet",)), [nowhere, nowhere])
    print(sorted(set(sys.modules) - known), flush=True)
    os._exit(0)
os.waitpid(child, 0)
