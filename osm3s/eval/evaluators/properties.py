"""What an element is: `id() type() version() timestamp() changeset() uid() user() is_closed() length() lat() lon()`."""

from __future__ import annotations

from osm3s.eval.evaluators.preparation import Column, Preparation
from osm3s.ql.tree import Element


def element_id(preparation: Preparation, element: Element) -> Column:
    return lambda items: items.spread(items.batch.ids())


def element_type(preparation: Preparation, element: Element) -> Column:
    return lambda items: items.spread(items.batch.types())


def metadata(preparation: Preparation, element: Element) -> Column:
    name = element.name.removeprefix("eval-")
    return lambda items: items.spread(items.batch.metadata(name))


def is_closed(preparation: Preparation, element: Element) -> Column:
    return lambda items: items.spread(items.batch.is_closed())


def length(preparation: Preparation, element: Element) -> Column:
    return lambda items: items.spread(items.batch.lengths())


def latitude(preparation: Preparation, element: Element) -> Column:
    return lambda items: items.spread([lat for lat, _ in items.batch.centers()])


def longitude(preparation: Preparation, element: Element) -> Column:
    return lambda items: items.spread([lon for _, lon in items.batch.centers()])
