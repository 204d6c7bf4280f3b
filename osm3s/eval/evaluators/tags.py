"""`t["key"]`, `is_tag("key")`, `::`, `keys()`."""

from __future__ import annotations

from osm3s.eval.evaluators.preparation import Column, Constant, ContainerColumn, Preparation
from osm3s.eval.items import Items
from osm3s.ql.tree import Element


def value(preparation: Preparation, element: Element) -> Column:
    key = preparation.operands(element, 1)[0]
    if isinstance(key, Constant):
        wanted = key.value
        return lambda items: items.spread(items.batch.values(wanted))
    return lambda items: items.values_of(key(items))


def is_tag(preparation: Preparation, element: Element) -> Column:
    key = element.get("k")
    return lambda items: items.spread(items.batch.has_key(key))


def generic(preparation: Preparation, element: Element) -> Column:
    def current(items: Items) -> list[str]:
        return items.constant("") if items.keys is None else items.values_of(items.keys)

    return current


def all_keys(preparation: Preparation, element: Element) -> ContainerColumn:
    return lambda items: items.spread([sorted({key for key, _ in tags}) for tags in items.batch.tags()])
