"""A tree printed as Overpass XML, byte for byte as the reference does it."""

from __future__ import annotations

from .attributes import NARROWING
from .criteria import CLOSURES
from .formats import translated_config
from .tree import Element, Script

_ENTITIES = {"&": "&amp;", '"': "&quot;", "<": "&lt;", ">": "&gt;", "\n": "&#x0a;", "\t": "&#x09;", "\r": "&#x0d;"}
_ESCAPES = dict.fromkeys(range(32), "?") | {ord(char): entity for char, entity in _ENTITIES.items()}


def escape_xml(text: str) -> str:
    return text.translate(_ESCAPES)


def to_xml(root: Script) -> str:
    """The whole query; what was QL shows the oddities of the reference's translation."""
    lines: list[str] = []
    read = (root, *root.unfinished) if root.language == "ql" or root.line else ()
    for element in read:
        _print(element, "", root.language == "ql", None, lines)
    return "".join(lines)


def _print(element: Element, indent: str, from_ql: bool, parent: str | None, lines: list[str]) -> None:
    attributes = _as_translated(element) if from_ql else element.attrs
    raw = _unescaped(element, parent) if from_ql else ()
    shown = "".join(f' {key}="{value if key in raw else escape_xml(value)}"' for key, value in attributes.items())
    if not element.children:
        lines.append(f"{indent}<{element.name}{shown}/>\n")
        return
    lines.append(f"{indent}<{element.name}{shown}>\n")
    for child in element.children:
        _print(child, indent + "  ", from_ql, element.name, lines)
    lines.append(f"{indent}</{element.name}>\n")


def _unescaped(element: Element, parent: str | None) -> tuple[str, ...]:
    """The attributes that the reference does not escape."""
    if element.name == "set-prop":
        return ("k", "from")
    narrowing = element.name in NARROWING and element.name != "item"
    if narrowing and element.get("type") in CLOSURES.values() and parent != "query":
        return ()
    return ("from", "into") if narrowing or element.is_evaluator else ()


def _as_translated(element: Element) -> dict[str, str]:
    """The attributes as the reference shows them; some differ from what they mean."""
    attrs = element.attrs
    if element.name == "set-prop" and attrs.get("keytype", "id") == "id":
        return attrs | {"keytype": "generic"}
    if element.name == "eval-set-count" and attrs.get("type") == "nodes":
        return attrs | {"type": "node"}
    if element.name == "id-query":
        return attrs | {key: str(int(ref) % 2**64) for key, ref in attrs.items() if ref.startswith("-")}
    if attrs.get("output-config"):
        return attrs | {"output-config": translated_config(attrs["output"], attrs["output-config"])}
    return attrs
