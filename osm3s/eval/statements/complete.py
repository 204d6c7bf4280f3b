"""`complete(n).a->.b{ ... };`: the body again and again, on all that was found so far, until nothing new is found.

Each round reads the elements found so far as `b` and must leave what it finds in `a`.

Example: `node(6);complete{way(bn);node(w);}out ids;`
Cost: that of the body in each round; at most n + 1 rounds (4097 if n is not given).
"""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.ffi.element_set import ElementSet
from osm3s.ql.numbers import integer_prefix
from osm3s.ql.tree import Element


def execute(execution: Execution, element: Element) -> None:
    source, into = element.get("from"), element.get("into")
    outer = execution.sets
    with execution.scope() as inner:
        for _ in range(integer_prefix(element.get("maxnum")) + 1):
            inner[into] = outer.get(source) or ElementSet()
            execution.run(element.children)
            found = inner.get(source)
            outer.forget_group(source)
            outer.forget_compared(source)
            if found is None:
                break
            known = outer.own(source) or ElementSet()
            all_found = known.copy()
            all_found.add(found)
            outer[source] = all_found
            if len(all_found) == len(known):
                break
            execution.check_limits()
        inner[into] = outer.get(source) or ElementSet()
        inner.export()
