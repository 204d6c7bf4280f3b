"""`>; >>; <; <<;` and recursion filters as statements: from a set to what its elements consist of or belong to.

`>`: nodes of ways, and node and way members of relations with their nodes. `>>`: also through members that are
relations. `<`: ways and relations that the elements belong to. `<<`: also relations of these relations.

Example: `way(13);(._;>;);out ids;`
Example: `node(6);<<;out ids;`
Cost: nodes of ways stand with the ways; upwards, ways are found by place and relations through an index.
"""

from __future__ import annotations

from osm3s.eval.execution import Execution
from osm3s.eval.recursion import RECURSION_TYPES, down, down_rel, recursion_rows, up, up_rel
from osm3s.ffi.element_set import ElementSet
from osm3s.ql.tree import Element

_WHOLE = {"down": down, "down-rel": down_rel, "up": up, "up-rel": up_rel}


def execute(execution: Execution, element: Element) -> None:
    recursion = element.get("type")
    if recursion in _WHOLE:
        result = _WHOLE[recursion](execution, execution.read(element.get("from")))
    else:
        result = ElementSet()
        for element_type in RECURSION_TYPES[recursion]:
            recursion_rows(execution, element, element_type, result)
    execution.sets[element.get("into")] = result
