"""`t["key"]`: the value of a tag; empty if the element does not have it. The key may be computed.
Example: `node(5);convert a x=t["name"],y=t["a"+"menity"];out;`

`is_tag("key")`: `1` if the element has the tag, else `0`.
Example: `node(id:5,6);convert a ::id=id(),x=is_tag("name");out;`

`::`: in an assignment for all keys, the value of the key in question.
Example: `node(6);convert a ::=::+"!";out;`

`keys()`: the keys of the element, as groups of a `for`.
Example: `node(id:5,6);for(keys()){make key name=_.val,n=count(nodes);out;}`

Cost: below a microsecond for each element.
"""

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
