"""A query of which only the number of elements is asked for: `way[building]; out count;` at the end of a script.

Then no element needs to be looked at one by one: the tag directory or the blocks' bitmaps know how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence

from osm3s.eval.execution import Execution
from osm3s.eval.statements.out import print_count
from osm3s.eval.statements.query import QUERY_TYPES, plan_of
from osm3s.output.print_options import PrintOptions
from osm3s.ql.tree import Element


def count_only(execution: Execution, statements: Sequence[Element]) -> bool:
    """Execute a query and the count that follows it if nothing else can see the query's result; else return False."""
    if len(statements) != 2 or statements[0].name != "query" or statements[1].name != "print":
        return False
    query, out = statements
    options = PrintOptions.of(out)
    if not options.counts or out.get("from") != query.get("into") or query.get("type") == "area":
        return False
    counts = plan_of(execution, query).count(QUERY_TYPES[query.get("type")])
    print_count(execution, counts, options)
    return True
