"""`id()`: the id of the element.
Example: `way(12);convert a x=id();out;`

`type()`: `node`, `way`, `relation`, `area` or the type of the derived object.
Example: `nwr(id:12,21);convert a x=type();out;`

`version()`: the number of the version; like all metadata empty if the database has none.
Example: `way(12);convert a x=version();out;`

`timestamp()`: when the version was made, as `yyyy-mm-ddThh:mm:ssZ`.
Example: `way(12);convert a x=timestamp();out;`

`changeset()`: the changeset that the version belongs to.
Example: `way(12);convert a x=changeset();out;`

`uid()`: the id of the user who made the version.
Example: `way(12);convert a x=uid();out;`

`user()`: the name of the user who made the version.
Example: `way(12);convert a x=user();out;`

`is_closed()`: `1` for ways whose first node is the last one, `0` for others, and `NaW` for what is no way.
Example: `way(id:11,12);convert a ::id=id(),x=is_closed();out;`

`length()`: metres with three decimals: of a way, or of all ways of a relation.
Example: `way(12);convert a x=length();out;`

`lat()`: the latitude of a node, or of the centre of the box of another element.
Example: `nwr(id:5,12);convert a x=lat();out;`

`lon()`: the longitude of a node, or of the centre of the box of another element.
Example: `nwr(id:5,12);convert a x=lon();out;`

Cost: below a microsecond for each element; metadata is read from the disk if nothing else needed it, and `length()`,
`lat()` and `lon()` of relations look up the members.
"""

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
