"""What is checked of each element by itself: its attributes and their values, with the reference's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import words
from .diagnostics import Diagnostics, Place
from .formats import FORMATS, supports_diff
from .numbers import float_prefix, integer_any_base, integer_prefix
from .timestamps import normal_form
from .tree import Element

_SUFFIXES = {"ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "k": 10**3, "M": 10**6, "G": 10**9}


@dataclass(slots=True)
class Check:
    """One element under scrutiny."""

    element: Element
    place: Place
    diagnostics: Diagnostics
    check_regex: Callable[[str, bool], str]
    known_format: str | None
    """The output format, if a QL setting has already dealt with it."""

    def get(self, attribute: str) -> str:
        return self.element.get(attribute)

    def fail(self, text: str) -> None:
        self.diagnostics.static_error(text, self.place)

    def only_allowed(self, attribute: str, values: str, element: str = "") -> None:
        self.fail(
            f'For the attribute "{attribute}" of the element "{element or self.element.name}" '
            f"the only allowed values are {values}."
        )


def number_with_suffix(text: str) -> int:
    """An integer with an optional suffix like Mi; 0 if it is none or exceeds 64 bits."""
    value, end = integer_any_base(text)
    if abs(value) >= 2**63 - 1:
        return 0
    suffix = text[end:] if end else text
    if not suffix:
        return value
    return value * _SUFFIXES.get(suffix.removeprefix(" "), 0)


def bounding_box(text: str) -> tuple[float, float, float, float]:
    """South, west, north, east of a global bounding box. The last part is always east; missing ones are 0."""
    *others, east = text.split(",", 3)
    south, west, north = [*others, "", "", ""][:3]
    return float_prefix(south), float_prefix(west), float_prefix(north), float_prefix(east)


def usable_box(text: str) -> tuple[float, float, float, float] | None:
    """The global bounding box if it restricts anything; one that is upside down silently does not."""
    if not text:
        return None
    box = south, west, north, east = bounding_box(text)
    return box if -90 <= south <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180 else None


def _osm_script(check: Check) -> None:
    for attribute in ("timeout", "element-limit"):
        if number_with_suffix(check.get(attribute)) <= 0:
            check.only_allowed(attribute, 'positive integers optionally with suffix "ki", "Mi", or "Gi"')
    format_ = check.known_format
    if format_ is None:
        format_ = check.get("output")
        if format_ not in FORMATS:
            check.fail(f"Unknown output format: {format_}")
    if check.get("bbox"):
        _global_box(check)
    for attribute in ("date", "from"):
        text = check.get(attribute)
        if text and normal_form(text) is None:
            check.fail(
                f'The attribute "{attribute}" must be empty or contain a timestamp exactly in the form '
                '"yyyy-mm-ddThh:mm:ssZ".'
            )
        elif text and attribute == "from" and format_ in FORMATS and not supports_diff(format_):
            check.fail("The selected output format does not support the diff or adiff mode.")
    augmented = check.get("augmented")
    if augmented and augmented != "deletions":
        check.fail('The only allowed values for "augmented" are an empty value or "deletions".')
    if augmented and not check.get("from"):
        check.fail('The attribute "augmented" can only be set if the attribute "from" is set.')


def _global_box(check: Check) -> None:
    for _ in range(max(0, 3 - check.get("bbox").count(","))):
        check.fail("A bounding box needs four comma-separated values.")
    south, west, north, east = bounding_box(check.get("bbox"))
    if not (-90 <= south <= 90 and -90 <= north <= 90):
        check.fail("Latitudes in bounding boxes must be between -90.0 and 90.0.")
    if not (-180 <= west <= 180 and -180 <= east <= 180):
        check.fail("Longitudes in bounding boxes must be between -180.0 and 180.0.")


def _query(check: Check) -> None:
    if check.get("type") not in ("node", "way", "relation", "nwr", "nw", "wr", "nr", "area", "derived"):
        check.only_allowed("type", '"node", "way", "relation", "nwr", "nw", "wr", "nr", or "area"')


def _complete(check: Check) -> None:
    if check.get("maxnum") and not 0 < integer_prefix(check.get("maxnum")) <= 1048576:
        check.fail('Maximum loop number for complete must be an integer between "1" and "1048576".')


def _derived_type(check: Check) -> None:
    if not check.get("type"):
        check.fail("The attribute type must be set to a nonempty string.")


def _box(check: Check, element: str, empty_allowed: bool) -> None:
    """South, north, west, east, in this order."""

    def limited(attribute: str, limit: float) -> float:
        value = float_prefix(check.get(attribute))
        if not -limit <= value <= limit or (not empty_allowed and check.get(attribute) == ""):
            check.only_allowed(attribute, f"floats between -{limit:.1f} and {limit:.1f}", element)
        return value

    south = limited("s", 90.0)
    north = limited("n", 90.0)
    if north < south:
        check.fail(
            f'The value of attribute "n" of the element "{element}" must always be greater or equal than '
            'the value of attribute "s".'
        )
    limited("w", 180.0)
    limited("e", 180.0)


def _print(check: Check) -> None:
    if check.get("mode") not in ("ids_only", "skeleton", "tags", "body", "meta", "count"):
        check.only_allowed("mode", '"ids_only", "skeleton", "body", "tags",  "count", or "meta"')
    if check.get("order") not in ("id", "quadtile"):
        check.only_allowed("order", '"id" or "quadtile"')
    if check.get("geometry") not in ("skeleton", "full", "bounds", "center"):
        check.only_allowed("geometry", '"skeleton", "full", "bounds", or "center"')
    if check.get("ids") not in ("yes", "no"):
        check.only_allowed("ids", '"yes" or "no"')
    _box(check, "print", empty_allowed=True)


def _coord_query(check: Check) -> None:
    if check.get("lat") == "" and check.get("lon") == "":
        return
    for attribute, limit in (("lat", 90), ("lon", 180)):
        text = check.get(attribute)
        if text == "" or not -limit <= float_prefix(text) <= limit:
            check.only_allowed(attribute, f"floats between -{limit}.0 and {limit}.0")


def _make_area(check: Check) -> None:
    if check.get("return-area") not in ("yes", "no"):
        check.only_allowed("return-area", '"yes" or "no", default is "yes"')


def _localize(check: Check) -> None:
    if check.get("type") not in ("l", "ll", "llb"):
        check.fail('Localize must have one of the values "l", "ll", or "llb". "l" is the default value.')
    if any(check.get(attribute) for attribute in "snwe"):
        _box(check, "bbox-query", empty_allowed=False)


def _timeline(check: Check) -> None:
    if check.get("type") not in ("node", "way", "relation"):
        check.only_allowed("type", '"node", "way", or "relation"')
    if not integer_prefix(check.get("ref")):
        check.only_allowed("ref", "positive integers")
    version = check.get("version")
    if version and integer_prefix(version) % 2**32 == 0:
        check.only_allowed("version", "positive integers")


def _set_prop(check: Check) -> None:
    keytype = check.get("keytype")
    if keytype == "tag" and not check.get("k"):
        check.fail('For the statement "set-prop" in mode "keytype"="tag", the attribute "k" must be nonempty.')
    if keytype not in ("tag", "id", "geometry", "generic"):
        check.only_allowed("keytype", '"tag", "id", "geometry", or "generic"')
    if check.get("from") and keytype != "generic":
        check.fail(
            'The attribute "from" of the element "set-prop" can only be set to a non-empty value '
            'if "keytype" is "generic".'
        )


def _set_count(check: Check) -> None:
    if check.get("type") not in words.COUNTED_SETS:
        check.only_allowed("type", '"nodes", "ways", "relations", "deriveds", "nwr", "nw", "wr", or "nr" strings')


def _prop_count(check: Check) -> None:
    if check.get("type") not in words.COUNTERS.values():
        check.only_allowed("type", '"tags", "members", "distinct_members", "by_role", or "distinct_by_role" strings')
    if check.get("members_type") not in ("all", *words.MEMBER_TYPES):
        check.only_allowed("members_type", '"all", "nodes", "ways", or "relations" strings')


def _set_key(check: Check) -> None:
    if not check.get("key"):
        check.fail('"eval-set-key" needs a nonempty key in attribute "key" to evaluate.')


STATEMENT_CHECKS: dict[str, Callable[[Check], None]] = {
    "osm-script": _osm_script,
    "query": _query,
    "complete": _complete,
    "convert": _derived_type,
    "make": _derived_type,
    "print": _print,
    "coord-query": _coord_query,
    "make-area": _make_area,
    "localize": _localize,
    "timeline": _timeline,
    "set-prop": _set_prop,
    "eval-set-count": _set_count,
    "eval-prop-count": _prop_count,
    "eval-set-key": _set_key,
    "bbox-query": lambda check: _box(check, "bbox-query", empty_allowed=False),
}
