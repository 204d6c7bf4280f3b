"""A tree printed as QL, byte for byte as the reference does it, oddities included.

Three forms: compact (one line), pretty (a line per statement) and bbox (compact, with `(bbox)` for a map client to fill
in). In compact form `prefix` is empty or `(bbox)`, which some statements print in front; in pretty form it is the
indentation.
"""

from __future__ import annotations

from collections.abc import Callable

from .attributes import exists
from .formats import FORMATS, translated_config
from .numbers import float_prefix, integer_prefix
from .print_evaluators import print_assignment, print_evaluator
from .print_filters import (
    FILTERS,
    RECURSION_WORDS,
    UNBOUNDED,
    box,
    in_query,
    into,
    number,
    recursion,
    set_after,
    set_before,
)
from .tree import Element, Script

BBOX = "(bbox)"


def to_compact_ql(root: Script) -> str:
    settings = "".join(_settings(root)) + (";" if root.attrs else "")
    return settings + "".join(compact(child, "") for child in _statements(root)) + _end(root)


def to_pretty_ql(root: Script) -> str:
    settings = "".join(setting + "\n" for setting in _settings(root))
    return settings + (";\n" if settings else "") + "".join(pretty(child, "") + "\n" for child in _statements(root))


_WITH_BBOX = frozenset(["complete", "difference", "for", "foreach", "if", "query", "union"])


def to_bbox_ql(root: Script) -> str:
    settings = "".join(_settings(root)) + ("" if "timeout" in root.attrs else "[timeout:1]")
    statements = (compact(child, BBOX if child.name in _WITH_BBOX else "") for child in _statements(root))
    return settings + ";" + "".join(statements) + _end(root)


def _statements(root: Script) -> list[Element]:
    return root.children + root.unfinished


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
    settings += [output, timeout] if root.language == "ql" and attrs.get("output") in FORMATS else [timeout, output]
    if "from" in attrs:
        word = "adiff" if attrs.get("augmented") == "deletions" else "diff"
        until = f'","{attrs["date"]}' if "date" in attrs else ""
        settings.append(f'[{word}:"{attrs["from"]}{until}"]')
    elif "date" in attrs:
        settings.append(f'[date:"{attrs["date"]}"]')
    return [setting for setting in settings if setting]


def _shown_config(root: Script) -> str:
    text = root.attrs.get("output-config", "")
    return translated_config(root.attrs["output"], text) if root.language == "ql" else text


def compact(element: Element, prefix: str) -> str:
    return _print(element, prefix, False)


def pretty(element: Element, prefix: str) -> str:
    return _print(element, prefix, True)


def _print(element: Element, prefix: str, is_pretty: bool) -> str:
    printer = _PRINTERS.get(element.name)
    if printer:
        return printer(element, prefix, is_pretty)
    return "" if exists(element.name) else f"({element.name}:)"


def _known(elements: list[Element]) -> list[Element]:
    """XML may have elements that do not exist; inside others they are left out."""
    return [element for element in elements if exists(element.name)]


# --- blocks -----------------------------------------------------------------------------------------------------------


def _lines(elements: list[Element], prefix: str, end: str = "") -> str:
    return "".join("\n" + pretty(element, prefix + "  ") + end for element in _known(elements))


def _row(elements: list[Element], prefix: str, end: str = "") -> str:
    return "".join(compact(element, prefix) + end for element in _known(elements))


def _union(element: Element, prefix: str, is_pretty: bool) -> str:
    body = _lines(element.children, prefix) + "\n" if is_pretty else _row(element.children, prefix)
    return f"{prefix}({body}){into(element)};"


def _difference(element: Element, prefix: str, is_pretty: bool) -> str:
    if is_pretty:
        members = ["\n" + pretty(child, prefix + "  ") for child in _known(element.children)]
        return f"{prefix}(" + f"\n{prefix}  -".join(members) + f"\n){into(element)};"
    return "(" + "-".join(compact(child, prefix) for child in _known(element.children)) + f"){into(element)};"


def _body(element: Element) -> list[Element]:
    """What for, if and retro do; without their evaluator the reference drops it."""
    return element.body() if element.evaluator() else []


def _loop(element: Element, prefix: str, is_pretty: bool, head: str) -> str:
    body = _body(element) if element.name == "for" else element.children
    inner = _lines(body, prefix) + "\n" if is_pretty else _row(body, prefix)
    return f"{prefix}{head}{{{inner}}}"


def _foreach(element: Element, prefix: str, is_pretty: bool) -> str:
    return _loop(element, prefix, is_pretty, f"foreach{set_after(element)}{into(element)}")


def _for(element: Element, prefix: str, is_pretty: bool) -> str:
    head = f"for{set_after(element)}{into(element)}({print_evaluator(element.evaluator())})"
    return _loop(element, prefix, is_pretty, head)


def _complete(element: Element, prefix: str, is_pretty: bool) -> str:
    maxnum = integer_prefix(element.get("maxnum"))
    limit = "" if maxnum == 4096 or not 0 < maxnum <= 1048576 else f"({maxnum})"
    return _loop(element, prefix, is_pretty, f"complete{limit}{set_after(element)}{into(element)}")


def _if(element: Element, prefix: str, is_pretty: bool) -> str:
    body = _body(element)
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
        return f"{prefix}retro ({time})\n{prefix}{{" + _lines(_body(element), prefix) + f"\n{prefix}}}"
    return f"{prefix}retro({time}){{{_row(_body(element), prefix)}}}"


def _compare(element: Element, prefix: str, is_pretty: bool) -> str:
    delta = element.evaluator()
    head = f"{set_before(element)}compare{into(element)}"
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
    items = "".join("." + child.input_set() for child in element.children if child.name == "item")
    others = [child for child in element.children if child.name in FILTERS]
    line_break = f"\n  {prefix}" if is_pretty and len(others) > 1 else ""
    filters = "".join(line_break + in_query(child) for child in others)
    return (
        f"{prefix if is_pretty else ''}{type_}{items}{filters}{BBOX if prefix == BBOX else ''}"
        f"{line_break if into(element) else ''}{into(element)};"
    )


_OUT_MODES = {"meta": " meta", "body": "", "tags": " tags", "skeleton": " skel", "count": " count"}
_OUT_GEOMETRIES = {"full": " geom", "bounds": " bb", "center": " center"}


def _out(element: Element, prefix: str, is_pretty: bool) -> str:
    limit = element.get("limit")
    limit_value = integer_prefix(limit) % 2**32 if limit else UNBOUNDED
    has_box = any(element.get(side) for side in "swne") and float_prefix(element.get("s")) <= float_prefix(
        element.get("n")
    )
    return (
        f"{prefix}{set_before(element)}out"
        f"{_OUT_MODES.get(element.get('mode'), ' ids')}"
        f"{' qt' if element.get('order') == 'quadtile' else ''}"
        f"{'' if limit_value == UNBOUNDED else f' {limit_value}'}"
        f"{_OUT_GEOMETRIES.get(element.get('geometry'), '')}"
        f"{' noids' if element.get('ids') == 'no' else ''}"
        f"{box(element) if has_box else ''};"
    )


def _derive(element: Element, prefix: str, is_pretty: bool) -> str:
    assignments = [print_assignment(child) for child in element.children if child.name == "set-prop"]
    before = set_before(element) if element.name == "convert" else ""
    separator = f"\n  {prefix}" if is_pretty else ""
    text = f"{prefix}{before}{element.name} {element.get('type')}"
    if assignments:
        text += (separator or " ") + f",{separator}".join(assignments)
    return f"{text}{into(element)};"


def _is_in(element: Element, prefix: str, is_pretty: bool) -> str:
    at = ""
    if element.get("lat") or element.get("lon"):
        at = f"({number(element, 'lat')},{number(element, 'lon')})"
    return f"{prefix if is_pretty else ''}{set_before(element)}is_in{at}{into(element)};"


def _map_to_area(element: Element, prefix: str, is_pretty: bool) -> str:
    return f"{prefix}{set_before(element)}map_to_area{into(element)};"


def _local(element: Element, prefix: str, is_pretty: bool) -> str:
    type_ = element.get("type") if element.get("type") in ("ll", "llb") else ""
    bounds = box(element) if any(element.get(side) for side in "swne") else ""
    return f"{prefix}{set_before(element)}local{' ' if type_ else ''}{type_}{bounds}{into(element)};"


def _timeline(element: Element, prefix: str, is_pretty: bool) -> str:
    type_ = element.get("type") if element.get("type") in ("node", "way") else "relation"
    arguments = [type_, str(integer_prefix(element.get("ref")) % 2**64)]
    version = integer_prefix(element.get("version")) % 2**32
    if version:
        arguments.append(str(version))
    shown = (", " if is_pretty else ",").join(arguments)
    return f"{prefix if is_pretty else ''}timeline({shown}){into(element)};"


def _item(element: Element, prefix: str, is_pretty: bool) -> str:
    from_set, into_set = element.input_set(), element.result_set()
    result = "" if into_set == "_" else f"->.{into_set}"
    return f"{prefix if is_pretty else ''}.{from_set}{result};"


def _bare_filter(element: Element, prefix: str, is_pretty: bool) -> str:
    """A filter that is a statement of its own."""
    if element.name in ("has-kv", "filter"):
        return in_query(element)
    if element.name == "changed":
        return in_query(element) + into(element)
    if element.name in ("id-query", "user"):
        type_ = element.get("type")
    elif element.name == "newer":
        return f"{prefix if is_pretty else ''}all{in_query(element)};"
    else:
        type_ = "node"
    return f"{prefix if is_pretty else ''}{type_}{in_query(element)}{into(element)};"


def _recurse(element: Element, prefix: str, is_pretty: bool) -> str:
    target, word = RECURSION_WORDS.get(element.get("type"), ("", ""))
    text = target + recursion(element) if target else set_before(element) + word
    return f"{prefix if is_pretty else ''}{text}{into(element)};"


def _else(element: Element, prefix: str, is_pretty: bool) -> str:
    return f"{prefix if is_pretty else ''}else\n"


_PRINTERS: dict[str, Callable[[Element, str, bool], str]] = {
    **dict.fromkeys(FILTERS, _bare_filter),
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
