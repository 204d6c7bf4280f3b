"""The same elements as osm3s.ffi.batch.Element, read by pyosmium: the independent witness of the reading tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import osmium
from osmium.osm.types import Node, Way

from osm3s.ffi.batch import Element

TYPES = {"n": "node", "w": "way", "r": "relation"}


def pyosmium_elements(source: Path | bytes) -> Iterator[Element]:
    """Of a file, or of an OSM XML document."""
    opened = osmium.io.FileBuffer(source, "osm") if isinstance(source, bytes) else str(source)
    for entity in osmium.FileProcessor(opened, osmium.osm.OBJECT):
        location = entity.location if isinstance(entity, Node) else None
        timestamp = entity.timestamp.timestamp() if entity.timestamp else 0
        is_relation = entity.type_str() == "r"
        yield Element(
            type=TYPES[entity.type_str()],
            id=entity.id,
            position=(location.y, location.x) if location is not None and location.valid() else None,
            version=entity.version,
            timestamp=max(0, int(timestamp)),
            changeset=entity.changeset,
            uid=entity.uid,
            user=entity.user,
            deleted=entity.deleted,
            tags=[(tag.k, tag.v) for tag in entity.tags],
            refs=[node.ref for node in entity.nodes] if isinstance(entity, Way) else [],
            members=[(TYPES[m.type], m.ref, m.role) for m in entity.members] if is_relation else [],
        )
