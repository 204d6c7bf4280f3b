"""Filters printed as QL, byte for byte as the reference does it."""

from __future__ import annotations

from collections.abc import Callable

from .criteria import CLOSURES
from .filter_checks import POSITION_RECURSIONS, ROLE_RECURSIONS, polygon_corners, polyline_points
from .formats import quoted
from .normal_filters import bounds_of, positions_of, refs_of, users_of
from .numbers import float_prefix, float_text, integer_prefix
from .print_evaluators import print_evaluator
from .regex import RegexCheck
from .timestamps import normal_form
from .tree import Element

UNBOUNDED = 2**32 - 1
_MAX_LISTED_IDS = 100_000
"""Longer ranges of ids in XML have no short form in QL and are cut."""


def into(element: Element) -> str:
    return "" if element.get("into") == "_" else "->." + element.get("into")


def set_before(element: Element) -> str:
    return "" if element.get("from") == "_" else f".{element.get('from')} "


def set_after(element: Element) -> str:
    return "" if element.get("from") == "_" else "." + element.get("from")


def number(element: Element, attribute: str) -> str:
    return float_text(float_prefix(element.get(attribute)))


def box(element: Element) -> str:
    return f"({','.join(number(element, side) for side in 'swne')})"


def _has_kv(element: Element) -> str:
    """A test of a tag; a regular expression that is none is left out."""
    key_regex, value_regex = (_valid_regex(element, attribute) for attribute in ("regk", "regv"))
    value = value_regex or element.get("v")
    text = f"~{quoted(key_regex)}" if key_regex else quoted(element.get("k"))
    if value:
        negated = element.get("modv") == "not" and not key_regex
        text += f"{'!' if negated else ''}{'~' if value_regex else '='}{quoted(value)}"
    return f"[{text}{',i' if element.get('case') == 'ignore' else ''}]"


def _valid_regex(element: Element, attribute: str) -> str:
    pattern = element.get(attribute)
    return "" if not pattern or RegexCheck()(pattern, element.get("case") != "ignore") else pattern


def _ids(element: Element) -> str:
    refs = refs_of(element)
    lower, upper = integer_prefix(element.get("lower")), integer_prefix(element.get("upper"))
    if not refs and lower > 0:
        refs = list(range(lower, min(upper + 1, lower + _MAX_LISTED_IDS)))
    return f"({'id:' if len(refs) > 1 else ''}{','.join(map(str, refs))})"


def _around(element: Element) -> str:
    numbers = [number(element, "radius")]
    if element.get("polyline"):
        for lat, lon in polyline_points(element.get("polyline")):
            numbers += [float_text(lat), float_text(lon)]
    elif element.get("lat"):
        numbers += [number(element, "lat"), number(element, "lon")]
    return f"(around{set_after(element)}:{','.join(numbers)})"


def _poly(element: Element) -> str:
    corners, _ = polygon_corners(element.get("bounds"))
    return '(poly:"' + "  ".join(f"{float_text(lat)} {float_text(lon)}" for lat, lon in corners) + '")'


def _area(element: Element) -> str:
    ref = integer_prefix(element.get("ref"))
    return f"(area{set_after(element)}{f':{ref}' if ref > 0 else ''})"


def _pivot(element: Element) -> str:
    return f"(pivot{set_after(element)})"


def _user(element: Element) -> str:
    uids, names = users_of(element)
    word = "uid" if uids else "user"
    touched = "_touched" if element.get("criterion") == "touched" else ""
    return f"({word}{touched}:{','.join(map(str, uids))}{','.join(map(quoted, names))})"


def _newer(element: Element) -> str:
    return f'(newer:"{normal_form(element.get("than")) or "0000-00-00T00:00:00Z"}")'


def _changed(element: Element) -> str:
    since, until = normal_form(element.get("since")), normal_form(element.get("until"))
    since_shown = f':"{since}"' if since else ""
    until_shown = f',"{until}"' if until else ""
    return f"(changed{since_shown}{until_shown})"


def _if_filter(element: Element) -> str:
    return f"(if:{print_evaluator(element.evaluator())})"


RECURSION_WORDS = {
    "relation-relation": ("relation", "r"),
    "relation-backwards": ("relation", "br"),
    **{f"relation-{type_}": (type_, "r") for type_ in ("way", "node", "nwr", "nw", "wr", "nr")},
    "way-node": ("node", "w"),
    "way-link": ("node", "way_link"),
    "way-count": ("node", "way_cnt"),
    "way-relation": ("relation", "bw"),
    "node-relation": ("relation", "bn"),
    "node-way": ("way", "bn"),
    "node-wr": ("wr", "bn"),
    **{type_: ("", word) for word, type_ in CLOSURES.items()},
}
"""Type of the recursion -> type of what it produces, word."""


def recursion(element: Element) -> str:
    type_ = element.get("type")
    restricted = type_ in ROLE_RECURSIONS and (element.get("role") or element.get("role-restricted") == "yes")
    positions = positions_of(element) if type_ in POSITION_RECURSIONS else []
    text = RECURSION_WORDS.get(type_, ("", ""))[1] + set_after(element)
    if restricted or positions:
        text += ":" + (quoted(element.get("role")) if restricted else "") + ",".join(map(str, positions))
    bounds = bounds_of(element)
    if bounds and bounds[0] < bounds[1]:
        text += f":{bounds[0]}-{'' if bounds[1] == UNBOUNDED else bounds[1]}"
    elif bounds and bounds[0] == bounds[1]:
        text += f":{bounds[0]}"
    return f"({text})"


FILTERS: dict[str, Callable[[Element], str]] = {
    "has-kv": _has_kv,
    "id-query": _ids,
    "bbox-query": box,
    "around": _around,
    "polygon-query": _poly,
    "area-query": _area,
    "pivot": _pivot,
    "user": _user,
    "newer": _newer,
    "changed": _changed,
    "filter": _if_filter,
    "recurse": recursion,
}


def in_query(element: Element) -> str:
    return FILTERS[element.name](element)
