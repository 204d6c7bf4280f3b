"""Constants: `"text"`, `3.50`."""

from __future__ import annotations

from osm3s.eval.evaluators.preparation import Column, Constant, Preparation
from osm3s.ql.tree import Element


def fixed(preparation: Preparation, element: Element) -> Column:
    return Constant(element.get("v"))
