"""A tree printed as QL, byte for byte as the reference does it, oddities included.

Three forms: compact (one line), pretty (a line per statement) and bbox (compact, with `(bbox)` for a map client to fill
in). In compact form `prefix` is empty or `(bbox)`, which some statements print in front; in pretty form it is the
indentation.
"""

from __future__ import annotations

from collections.abc import Callable

from .criteria import CLOSURES, bounds_of, positions_of, refs_of, users_of
from .filter_checks import POSITION_RECURSIONS, ROLE_RECURSIONS, polygon_corners, polyline_points
from .formats import quoted
from .numbers import float_prefix, float_text, integer_prefix
from .print_evaluators import print_assignment, print_evaluator
from .regex import compiles_in_libc
from .timestamps import normal_form
from .tree import Element, Script

BBOX = "(bbox)"
_UNBOUNDED = 2**32 - 1
_MAX_LISTED_IDS = 100_000
"""Longer ranges of ids in XML have no short form in QL and are cut."""


def to_compact_ql(root: Script) -> str:
    settings = "".join(_settings(root)) + (";" if root.attrs else "")
    return settings + "".join(compact(child, "") for child in root.children) + _end(root)


def to_pretty_ql(root: Script) -> str:
    settings = "".join(setting + "\n" for setting in _settings(root))
    return settings + (";\n" if settings else "") + "".join(pretty(child, "") + "\n" for child in root.children)


_WITH_BBOX = frozenset(["complete", "difference", "for", "foreach", "if", "query", "union"])


def to_bbox_ql(root: Script) -> str:
    settings = "".join(_settings(root)) + ("" if "timeout" in root.attrs else "[timeout:1]")
    statements = (compact(child, BBOX if child.name in _WITH_BBOX else "") for child in root.children)
    return settings + ";" + "".join(statements) + _end(root)


def _end(root: Script) -> str:
    """The reference ends the line only of what was QL."""
    return "\n" if root.language == "ql" else ""


def _settings(root: Script) -> list[str]:
    attrs = root.attrs
    settings = []
    if "bbox" in attrs:
        settings.append(f"[bbox:{attrs['bbox']}]")
    if "element-limit" in attrs:
        settings.append(f"[maxsize:{attrs['element-limit']}]")
    timeout = f"[timeout:{attrs['timeout']}]" if "timeout" in attrs else ""
    output = f"[out:{attrs['output']}{_shown_config(root)}]" if attrs.get("output") else ""
    settings += [output, timeout] if root.language == "ql" else [timeout, output]
    if "from" in attrs:
        word = "adiff" if attrs.get("augmented") == "deletions" else "diff"
        until = f'","{attrs["date"]}' if "date" in attrs else ""
        settings.append(f'[{word}:"{attrs["from"]}{until}"]')
    elif "date" in attrs:
        settings.append(f'[date:"{attrs["date"]}"]')
    return [setting for setting in settings if setting]


def _shown_config(root: Script) -> str:
    """The configuration of the format; the reference forgets that of popup."""
    if root.language == "ql" and root.attrs["output"] == "popup":
        return ""
    return root.attrs.get("output-config", "")


def compact(element: Element, prefix: str) -> str:
    printer = _PRINTERS.get(element.name)
    return printer(element, prefix, False) if printer else ""


def pretty(element: Element, prefix: str) -> str:
    printer = _PRINTERS.get(element.name)
    if printer is None:
        return ""
    return printer(element, prefix, True)


# --- parts ------------------------------------------------------------------------------------------------------------


def _into(element: Element) -> str:
    return "" if element.get("into") == "_" else "->." + element.get("into")


def _set_before(element: Element) -> str:
    return "" if element.get("from") == "_" else f".{element.get('from')} "


def _set_after(element: Element) -> str:
    return "" if element.get("from") == "_" else "." + element.get("from")


def _number(element: Element, attribute: str) -> str:
    return float_text(float_prefix(element.get(attribute)))


def _box(element: Element) -> str:
    return f"({','.join(_number(element, side) for side in 'swne')})"


def _lines(elements: list[Element], prefix: str, end: str = "") -> str:
    return "".join("\n" + pretty(element, prefix + "  ") + end for element in elements)


def _row(elements: list[Element], prefix: str, end: str = "") -> str:
    return "".join(compact(element, prefix) + end for element in elements)


# --- blocks -----------------------------------------------------------------------------------------------------------


def _union(element: Element, prefix: str, is_pretty: bool) -> str:
    body = _lines(element.children, prefix) + "\n" if is_pretty else _row(element.children, prefix)
    return f"{prefix}({body}){_into(element)};"


def _difference(element: Element, prefix: str, is_pretty: bool) -> str:
    if is_pretty:
        members = ["\n" + pretty(child, prefix + "  ") for child in element.children]
        return f"{prefix}(" + f"\n{prefix}  -".join(members) + f"\n){_into(element)};"
    return "(" + "-".join(compact(child, prefix) for child in element.children) + f"){_into(element)};"


def _loop(element: Element, prefix: str, is_pretty: bool, head: str) -> str:
    body = element.body() if element.name == "for" else element.children
    inner = _lines(body, prefix) + "\n" if is_pretty else _row(body, prefix)
    return f"{prefix}{head}{{{inner}}}"


def _foreach(element: Element, prefix: str, is_pretty: bool) -> str:
    return _loop(element, prefix, is_pretty, f"foreach{_set_after(element)}{_into(element)}")


def _for(element: Element, prefix: str, is_pretty: bool) -> str:
    head = f"for{_set_after(element)}{_into(element)}({print_evaluator(element.evaluator())})"
    return _loop(element, prefix, is_pretty, head)


def _complete(element: Element, prefix: str, is_pretty: bool) -> str:
    maxnum = integer_prefix(element.get("maxnum"))
    limit = "" if maxnum == 4096 else f"({maxnum})"
    return _loop(element, prefix, is_pretty, f"complete{limit}{_set_after(element)}{_into(element)}")


def _if(element: Element, prefix: str, is_pretty: bool) -> str:
    body = element.body()
    words = [child.name for child in body]
    split = words.index("else") if "else" in words else len(body)
    then, otherwise = body[:split], [child for child in body[split:] if child.name != "else"]
    condition = print_evaluator(element.evaluator())
    if is_pretty:
        text = f"{prefix}if ({condition})\n{prefix}{{" + _lines(then, prefix, ";")
        if otherwise:
            text += f"\n{prefix}}}\n{prefix}else\n{prefix}{{\n" + _row(otherwise, prefix + "  ")
        return f"{text}\n{prefix}}}"
    text = f"{prefix}if({condition}){{" + _row(then, prefix, ";")
    if otherwise:
        text += "}else{" + _row(otherwise, prefix)
    return text + "}"


def _retro(element: Element, prefix: str, is_pretty: bool) -> str:
    time = print_evaluator(element.evaluator())
    if is_pretty:
        return f"{prefix}retro ({time})\n{prefix}{{" + _lines(element.body(), prefix) + f"\n{prefix}}}"
    return f"{prefix}retro({time}){{{_row(element.body(), prefix)}}}"


def _compare(element: Element, prefix: str, is_pretty: bool) -> str:
    delta = element.evaluator()
    head = f"{_set_before(element)}compare{_into(element)}"
    head += f"(delta:{print_evaluator(delta)})" if delta else "()"
    body = element.body()
    if not body:
        return head + ";"
    if is_pretty:
        return f"{head}{prefix}{{" + _lines(body, prefix, ";") + f"\n{prefix}}}"
    return f"{head}{{{_row(body, prefix, ';')}}}"


# --- single statements ------------------------------------------------------------------------------------------------

_SHOWN_TYPES = {type_: type_ for type_ in ("node", "way", "relation", "derived", "nwr", "wr", "nr")} | {"nw": "nwr"}


def _query(element: Element, prefix: str, is_pretty: bool) -> str:
    type_ = _SHOWN_TYPES.get(element.get("type"), "area")
    items = "".join("." + child.get("from") for child in element.children if child.name == "item")
    others = [child for child in element.children if child.name != "item"]
    line_break = f"\n  {prefix}" if is_pretty and len(others) > 1 else ""
    filters = "".join(line_break + _in_query(child) for child in others)
    into = _into(element)
    return (
        f"{prefix if is_pretty else ''}{type_}{items}{filters}{BBOX if prefix == BBOX else ''}"
        f"{line_break if into else ''}{into};"
    )


_OUT_MODES = {"meta": " meta", "body": "", "tags": " tags", "skeleton": " skel", "count": " count"}
_OUT_GEOMETRIES = {"full": " geom", "bounds": " bb", "center": " center"}


def _out(element: Element, prefix: str, is_pretty: bool) -> str:
    limit = element.get("limit")
    limit_value = integer_prefix(limit) % 2**32 if limit else _UNBOUNDED
    has_box = any(element.get(side) for side in "swne") and float_prefix(element.get("s")) <= float_prefix(
        element.get("n")
    )
    return (
        f"{prefix}{_set_before(element)}out"
        f"{_OUT_MODES.get(element.get('mode'), ' ids')}"
        f"{' qt' if element.get('order') == 'quadtile' else ''}"
        f"{'' if limit_value == _UNBOUNDED else f' {limit_value}'}"
        f"{_OUT_GEOMETRIES.get(element.get('geometry'), '')}"
        f"{' noids' if element.get('ids') == 'no' else ''}"
        f"{_box(element) if has_box else ''};"
    )


def _derive(element: Element, prefix: str, is_pretty: bool) -> str:
    assignments = [print_assignment(child) for child in element.children if child.name == "set-prop"]
    before = _set_before(element) if element.name == "convert" else ""
    separator = f"\n  {prefix}" if is_pretty else ""
    text = f"{prefix}{before}{element.name} {element.get('type')}"
    if assignments:
        text += (separator or " ") + f",{separator}".join(assignments)
    return f"{text}{_into(element)};"


def _is_in(element: Element, prefix: str, is_pretty: bool) -> str:
    at = ""
    if element.get("lat") or element.get("lon"):
        at = f"({_number(element, 'lat')},{_number(element, 'lon')})"
    return f"{prefix if is_pretty else ''}{_set_before(element)}is_in{at}{_into(element)};"


def _map_to_area(element: Element, prefix: str, is_pretty: bool) -> str:
    return f"{prefix}{_set_before(element)}map_to_area{_into(element)};"


def _local(element: Element, prefix: str, is_pretty: bool) -> str:
    type_ = element.get("type")
    box = _box(element) if any(element.get(side) for side in "swne") else ""
    return f"{prefix}{_set_before(element)}local{'' if type_ == 'l' else ' ' + type_}{box}{_into(element)};"


def _timeline(element: Element, prefix: str, is_pretty: bool) -> str:
    arguments = [element.get("type"), str(integer_prefix(element.get("ref")) % 2**64)]
    version = integer_prefix(element.get("version")) % 2**32
    if version:
        arguments.append(str(version))
    shown = (", " if is_pretty else ",").join(arguments)
    return f"{prefix if is_pretty else ''}timeline({shown}){_into(element)};"


def _item(element: Element, prefix: str, is_pretty: bool) -> str:
    if element.get("set") != "_":
        return f"{prefix if is_pretty else ''}.{element.get('set')}->.{element.get('set')};"
    return f"{prefix if is_pretty else ''}.{element.get('from')}{_into(element)};"


# --- filters ----------------------------------------------------------------------------------------------------------


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
    return pattern if pattern and compiles_in_libc(pattern, element.get("case") != "ignore") else ""


def _ids(element: Element) -> str:
    refs = refs_of(element)
    lower, upper = integer_prefix(element.get("lower")), integer_prefix(element.get("upper"))
    if not refs and lower > 0:
        refs = list(range(lower, min(upper + 1, lower + _MAX_LISTED_IDS)))
    return f"({'id:' if len(refs) > 1 else ''}{','.join(map(str, refs))})"


def _around(element: Element) -> str:
    numbers = [_number(element, "radius")]
    if element.get("polyline"):
        for lat, lon in polyline_points(element.get("polyline")):
            numbers += [float_text(lat), float_text(lon)]
    elif element.get("lat"):
        numbers += [_number(element, "lat"), _number(element, "lon")]
    return f"(around{_set_after(element)}:{','.join(numbers)})"


def _poly(element: Element) -> str:
    corners, _ = polygon_corners(element.get("bounds"))
    return '(poly:"' + "  ".join(f"{float_text(lat)} {float_text(lon)}" for lat, lon in corners) + '")'


def _area(element: Element) -> str:
    ref = integer_prefix(element.get("ref"))
    return f"(area{_set_after(element)}{f':{ref}' if ref > 0 else ''})"


def _pivot(element: Element) -> str:
    return f"(pivot{_set_after(element)})"


def _user(element: Element) -> str:
    uids, names = users_of(element)
    word = "uid" if uids else "user"
    touched = "_touched" if element.get("criterion") == "touched" else ""
    return f"({word}{touched}:{','.join(map(str, uids))}{','.join(map(quoted, names))})"


def _newer(element: Element) -> str:
    return f'(newer:"{normal_form(element.get("than"))}")'


def _changed(element: Element) -> str:
    since, until = normal_form(element.get("since")), normal_form(element.get("until"))
    since_shown = f':"{since}"' if since else ""
    until_shown = f',"{until}"' if until else ""
    return f"(changed{since_shown}{until_shown})"


def _if_filter(element: Element) -> str:
    return f"(if:{print_evaluator(element.evaluator())})"


_RECURSION_WORDS = {
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


def _recursion(element: Element) -> str:
    type_ = element.get("type")
    restricted = type_ in ROLE_RECURSIONS and (element.get("role") or element.get("role-restricted") == "yes")
    positions = positions_of(element) if type_ in POSITION_RECURSIONS else []
    text = _RECURSION_WORDS.get(type_, ("", ""))[1] + _set_after(element)
    if restricted or positions:
        text += ":" + (quoted(element.get("role")) if restricted else "") + ",".join(map(str, positions))
    bounds = bounds_of(element)
    if bounds and bounds[0] < bounds[1]:
        text += f":{bounds[0]}-{'' if bounds[1] == _UNBOUNDED else bounds[1]}"
    elif bounds and bounds[0] == bounds[1]:
        text += f":{bounds[0]}"
    return f"({text})"


_FILTERS: dict[str, Callable[[Element], str]] = {
    "has-kv": _has_kv,
    "id-query": _ids,
    "bbox-query": _box,
    "around": _around,
    "polygon-query": _poly,
    "area-query": _area,
    "pivot": _pivot,
    "user": _user,
    "newer": _newer,
    "changed": _changed,
    "filter": _if_filter,
    "recurse": _recursion,
}


def _in_query(element: Element) -> str:
    printer = _FILTERS.get(element.name)
    return printer(element) if printer else ""


def _bare_filter(element: Element, prefix: str, is_pretty: bool) -> str:
    """A filter that is a statement of its own."""
    if element.name in ("has-kv", "filter"):
        return _in_query(element)
    if element.name == "changed":
        return _in_query(element) + _into(element)
    if element.name in ("id-query", "user"):
        type_ = element.get("type")
    elif element.name == "newer":
        return f"{prefix if is_pretty else ''}all{_in_query(element)};"
    else:
        type_ = "node"
    return f"{prefix if is_pretty else ''}{type_}{_in_query(element)}{_into(element)};"


def _recurse(element: Element, prefix: str, is_pretty: bool) -> str:
    target, word = _RECURSION_WORDS.get(element.get("type"), ("", ""))
    text = target + _recursion(element) if target else _set_before(element) + word
    return f"{prefix if is_pretty else ''}{text}{_into(element)};"


def _else(element: Element, prefix: str, is_pretty: bool) -> str:
    return f"{prefix if is_pretty else ''}else\n"


_PRINTERS: dict[str, Callable[[Element, str, bool], str]] = {
    **dict.fromkeys(_FILTERS, _bare_filter),
    "union": _union,
    "difference": _difference,
    "foreach": _foreach,
    "for": _for,
    "complete": _complete,
    "if": _if,
    "retro": _retro,
    "compare": _compare,
    "query": _query,
    "print": _out,
    "convert": _derive,
    "make": _derive,
    "coord-query": _is_in,
    "map-to-area": _map_to_area,
    "localize": _local,
    "timeline": _timeline,
    "item": _item,
    "recurse": _recurse,
    "else": _else,
}
