"""What an element is: `id() type() version() timestamp() changeset() uid() user() is_closed() length() lat() lon()`."""

from __future__ import annotations

from osm3s.eval.evaluators.preparation import Column, Numbers, Preparation
from osm3s.ql.tree import Element


def element_id(preparation: Preparation, element: Element) -> Column:
    return Numbers("id", lambda batch: batch.ids())


def element_type(preparation: Preparation, element: Element) -> Column:
    return lambda items: items.spread(items.batch.types())


def metadata(preparation: Preparation, element: Element) -> Column:
    name = element.name.removeprefix("eval-")
    if name in ("version", "changeset", "uid"):
        return Numbers(name, lambda batch: batch.metadata(name))
    return lambda items: items.spread(items.batch.metadata(name))


def is_closed(preparation: Preparation, element: Element) -> Column:
    return lambda items: items.spread(items.batch.is_closed())


def length(preparation: Preparation, element: Element) -> Column:
    return Numbers("length", lambda batch: batch.lengths(), decimals=3)


def latitude(preparation: Preparation, element: Element) -> Column:
    return Numbers("lat", lambda batch: [lat for lat, _ in batch.centers()], decimals=7)


def longitude(preparation: Preparation, element: Element) -> Column:
    return Numbers("lon", lambda batch: [lon for _, lon in batch.centers()], decimals=7)
