"""Elements written as OSM XML and osmChange."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

from osm3s.ffi.batch import Element


def to_xml(element: Element) -> str:
    attributes = f'id="{element.id}" version="{element.version}" changeset="{element.changeset}"'
    if element.timestamp:
        attributes += f' timestamp="{datetime.fromtimestamp(element.timestamp, UTC):%Y-%m-%dT%H:%M:%SZ}"'
    if element.uid:
        attributes += f' uid="{element.uid}" user={quoteattr(element.user)}'
    if element.position is not None:
        attributes += f' lat="{element.position[0] / 1e7:.7f}" lon="{element.position[1] / 1e7:.7f}"'
    inside = "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in element.tags)
    inside += "".join(f'<nd ref="{ref}"/>' for ref in element.refs)
    inside += "".join(
        f'<member type="{kind}" ref="{ref}" role={quoteattr(role)}/>' for kind, ref, role in element.members
    )
    return f"<{element.type} {attributes}>{inside}</{element.type}>"


def osm_file(elements: Iterable[Element]) -> bytes:
    return ("<osm version='0.6'>" + "".join(map(to_xml, elements)) + "</osm>").encode()


def change_file(elements: Iterable[Element]) -> bytes:
    """Each element in its own section: `deleted` ones in <delete>, the others in <modify>."""
    sections = (
        f"<delete>{to_xml(element)}</delete>" if element.deleted else f"<modify>{to_xml(element)}</modify>"
        for element in elements
    )
    return ("<osmChange version='0.6'>" + "".join(sections) + "</osmChange>").encode()
