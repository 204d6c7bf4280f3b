"""XAPI predicates, an older query language: `way[railway=rail|tram][bbox=7,51,8,52][@meta]`, as Overpass XML."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from osm3s.errors import XapiError

from .print_xml import escape_xml

_TYPES = ("node", "way", "relation", "*")
_MAP_CALL = "map?bbox="
_TAG = re.compile(r"\[((?:[^\\=\]]|\\.)*)=((?:[^\\\]]|\\.)*)\]", re.DOTALL)
_META = re.compile(r"\[@meta\]")
_SETTING = re.compile(r"\[@(user|uid|newer|timeout)=([^\]]*)\]")
_BBOX = re.compile(r"\[bbox=([^\]]*)\]")
_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)


@dataclass(slots=True)
class _Predicate:
    bbox: str = ""
    """The filter as XML; "" without one."""
    tags: list[tuple[str, str]] = field(default_factory=list)
    """Keys and values, still with their backslashes."""
    settings: dict[str, str] = field(default_factory=dict)
    """user, uid, newer, timeout."""
    meta: bool = False


def to_overpass_xml(text: str, force_meta: bool = False) -> str:
    """The query in Overpass XML; with `force_meta` it prints metadata although the text does not ask for it.

    Raises XapiError if the text is not a predicate.
    """
    if text.startswith(_MAP_CALL):
        return _map_call(_bbox(text.removeprefix(_MAP_CALL)))
    element_type = next((known for known in _TYPES if text.startswith(known)), None)
    if element_type is None:
        raise XapiError("Query must start with 'node', 'way', 'relation', or '*'")
    predicate = _parse(text.removeprefix(element_type))
    predicate.meta |= force_meta
    script = _script(element_type, predicate)
    timeout = predicate.settings.get("timeout")
    return f'<osm-script timeout="{escape_xml(timeout)}">\n\n{script}\n</osm-script>\n' if timeout else script


def _parse(text: str) -> _Predicate:
    """What stands in brackets behind the type. Of a setting that stands there twice the last one counts."""
    predicate = _Predicate()
    position = 0
    while position < len(text):
        if not text.startswith("[", position):
            raise XapiError("Text before '[' found.")
        if match := _META.match(text, position):
            predicate.meta = True
        elif match := _SETTING.match(text, position):
            predicate.settings[match[1]] = match[2]
        elif match := _BBOX.match(text, position):
            if predicate.bbox:
                raise XapiError("At most one bbox allowed.")
            predicate.bbox = _bbox(match[1])
        elif match := _TAG.match(text, position):
            predicate.tags.append((match[1], match[2]))
        else:
            closed = "]" in _ESCAPED.sub("", text[position:])
            raise XapiError("Expected '=' after key." if closed else "Expected ']' after value.")
        position = match.end()
    return predicate


def _bbox(text: str) -> str:
    """The filter for a box given as west, south, east, north."""
    try:
        west, south, east, north = map(escape_xml, text.split(","))
    except ValueError as error:
        raise XapiError("Expected four numbers separated by commas in bbox.") from error
    return f'<bbox-query s="{south}" n="{north}" w="{west}" e="{east}"/>'


def _filters(predicate: _Predicate) -> list[str]:
    lines = [predicate.bbox] if predicate.bbox else []
    for key, value in predicate.tags:
        name = escape_xml(_ESCAPED.sub(r"\1", key))
        shown = escape_xml(_ESCAPED.sub(r"\1", value))
        if value == "*":
            lines.append(f'<has-kv k="{name}" v=""/>')
        elif "|" in _ESCAPED.sub("", value):
            lines.append(f'<has-kv k="{name}" regv="^({shown})$"/>')
        else:
            lines.append(f'<has-kv k="{name}" v="{shown}"/>')
    for setting, filter_name in (("user", "user name"), ("uid", "user uid"), ("newer", "newer than")):
        if wanted := predicate.settings.get(setting):
            lines.append(f'<{filter_name}="{escape_xml(wanted)}"/>')
    return lines


def _query(element_type: str, filters: list[str], indent: str = "") -> str:
    lines = [f'<query type="{element_type}">', *("  " + line for line in filters), "</query>"]
    return "".join(f"{indent}{line}\n" for line in lines)


def _script(element_type: str, predicate: _Predicate) -> str:
    """Ways come with their nodes. Of all types at once, relations are printed by themselves at the end."""
    filters = _filters(predicate)
    output = '<print mode="meta"/>\n' if predicate.meta else "<print/>\n"
    script = ""
    if element_type in ("node", "*"):
        script += _query("node", filters) + (output if element_type == "node" else "")
    if element_type in ("way", "*"):
        item = "  <item/>\n" if element_type == "*" else ""
        ways = _query("way", filters, "  ")
        script += f'<union>\n{item}{ways}  <recurse type="way-node"/>\n</union>\n{output}'
    if element_type in ("relation", "*"):
        script += _query("relation", filters) + output
    return script


def _map_call(bbox: str) -> str:
    """What an editor loads for a box: the nodes, the ways at them with their nodes, the relations of both."""
    return f"""\
<union>
  {bbox}
  <recurse type="node-relation" into="foo"/>
  <recurse type="node-way"/>
  <recurse type="way-node" into="foo"/>
  <recurse type="way-relation"/>
</union>
<print mode="meta"/>
"""
