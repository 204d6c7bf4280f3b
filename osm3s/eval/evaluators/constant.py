"""`"text"`: a constant. Numbers need no quotation marks and stay as they are written.
Example: `make a x="text",y=3.50;out;`

Cost: none.
"""

from __future__ import annotations

from osm3s.eval.evaluators.preparation import Column, Constant, Preparation
from osm3s.ql.tree import Element


def fixed(preparation: Preparation, element: Element) -> Column:
    return Constant(element.get("v"))
