"""Check and translate many queries in one process: lines of JSON in, a line of JSON out for each.

In: `{"id": …, "query": …}`. Out: `{"id", "ok", "errors", "xml", "compact"}`, where `errors` are the lines that
`osm3s_query --dump-xml` prints with "error:", and the last two what it prints with --dump-xml and --dump-compact-ql.
"""

from __future__ import annotations

import json
import sys

from osm3s import ql
from osm3s.errors import QueryRejected

from .request import from_console


def answer(query: str) -> dict[str, object]:
    """What becomes of one query."""
    try:
        root = ql.parse(from_console(query), check=False)
    except QueryRejected as rejected:
        printed = "".join(f"{message}\n" for message in rejected.messages)
        return {"ok": False, "errors": [line for line in printed.split("\n") if "error:" in line]}
    return {"ok": True, "errors": [], "xml": ql.to_xml(root), "compact": ql.to_compact_ql(root)}


def main() -> int:
    for line in sys.stdin:
        case = json.loads(line)
        print(json.dumps({"id": case["id"], **answer(case["query"])}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
