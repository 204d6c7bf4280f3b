"""What is checked of each filter by itself, with the reference's words."""

from __future__ import annotations

import re
from collections.abc import Callable

from .checks import Check
from .numbers import float_prefix, integer_prefix
from .timestamps import normal_form

ROLE_RECURSIONS = frozenset(
    [
        "relation-relation",
        "relation-backwards",
        "relation-way",
        "relation-node",
        "relation-nwr",
        "relation-nw",
        "relation-wr",
        "relation-nr",
        "node-relation",
        "way-relation",
    ]
)
POSITION_RECURSIONS = frozenset(["way-node", "node-way"])
RECURSIONS = (
    ROLE_RECURSIONS
    | POSITION_RECURSIONS
    | frozenset(["way-link", "way-count", "node-wr", "down", "down-rel", "up", "up-rel"])
)
_STREAM_FLOAT = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")


def _has_kv(check: Check) -> None:
    key, key_regex, value = check.get("k"), check.get("regk"), check.get("v")
    if not key and not key_regex:
        check.only_allowed("k", "non-empty strings")
    case_sensitive = check.get("case") != "ignore"
    if check.get("case") not in ("ignore", "sensitive"):
        check.only_allowed("case", '"sensitive" or "ignore"')
    if key_regex:
        if key:
            check.fail('In the element "has-kv" only one of the attributes "k" and "regk" can be nonempty.')
        if value:
            check.fail('In the element "has-kv" the attribute "regk" must be combined with "regv".')
        _regex(check, key_regex, case_sensitive)
    if check.get("regv"):
        if value:
            check.fail('In the element "has-kv" only one of the attributes "v" and "regv" can be nonempty.')
        _regex(check, check.get("regv"), case_sensitive)
    if check.get("modv") == "not":
        if key_regex:
            check.fail('In the element "has-kv" regular expressions on keys cannot be combined with negation.')
    elif check.get("modv"):
        check.fail('In the element "has-kv" the attribute "modv" can only be empty or std::set to "not".')


def _regex(check: Check, pattern: str, case_sensitive: bool) -> None:
    if complaint := check.check_regex(pattern, case_sensitive):
        check.fail(f'{complaint}: "{pattern}"')


def last_ref(attrs: dict[str, str]) -> int:
    """The id whose validity decides about an id-query: the last in the order of attribute names."""
    numbered = [key for key in attrs if key.startswith("ref_")]
    return integer_prefix(attrs[max(numbered)] if numbered else attrs.get("ref", ""))


def _id_query(check: Check) -> None:
    if check.get("type") not in ("node", "way", "relation", "area", ""):
        check.only_allowed("type", '"node", "way", "relation", or "area"')
    if last_ref(check.element.attrs) == 0 and not (
        integer_prefix(check.get("lower")) and integer_prefix(check.get("upper"))
    ):
        check.only_allowed("ref", "positive integers")


def polyline_points(text: str) -> list[tuple[float, float]]:
    """Latitude and longitude pairs of a row of numbers with commas; an odd one at the end is dropped."""
    numbers = [float_prefix(part) for part in text.split(",")]
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def _around(check: Check) -> None:
    if check.get("radius") == "" or float_prefix(check.get("radius")) < 0:
        check.only_allowed("radius", "nonnegative floats")
    lat, lon = check.get("lat"), check.get("lon")
    latitudes = "floats between -90.0 and 90.0 or an empty value"
    longitudes = "floats between -1800.0 and 180.0 or an empty value"
    if lat and not -90 <= float_prefix(lat) <= 90:
        check.only_allowed("lat", latitudes)
    if lon and not -180 <= float_prefix(lon) <= 180:
        check.only_allowed("lon", longitudes)
    if not check.get("polyline"):
        return
    if lat or lon:
        check.fail('In "around", the attribute "polyline" cannot be used if "lat" or "lon" are used.')
    points = polyline_points(check.get("polyline"))
    entry = 'For a latitude entry in the attribute "polyline" of the element "around" the only allowed values are'
    if points and not -90 <= points[-1][0] <= 90:
        check.fail(f"{entry} {latitudes}.")
    if points and not -180 <= points[-1][1] <= 180:
        check.fail(f"{entry} {longitudes}.")


def polygon_corners(bounds: str) -> tuple[list[tuple[float, float]], bool]:
    """Corners (latitude, longitude) of a polygon, and whether the text was as it should be."""
    numbers = []
    position = 0
    while match := _STREAM_FLOAT.match(bounds, position):
        numbers.append(float(match[1]))
        position = match.end()
    rest = bounds[position:]
    corners = list(zip(numbers[::2], numbers[1::2], strict=False))
    if rest.strip(" \t\n\v\f\r"):  # a word: its pair is complete only if it is the longitude, which counts as 0
        if len(numbers) % 2:
            corners.append((numbers[-1], 0.0))
            return corners, True
        return corners, False
    return corners, bool(numbers) and len(numbers) % 2 == 0 and not rest


def _polygon_query(check: Check) -> None:
    corners, even = polygon_corners(check.get("bounds"))
    prefix = 'For the attribute "bounds" of the element "polygon-query"'
    if not even:
        check.fail(f"{prefix} an even number of float values must be provided.")
    if len(corners) < 3:
        check.fail(f"{prefix} at least 3 lat/lon float value pairs must be provided.")
    for lat, lon in corners:
        if not -90 <= lat <= 90:
            check.fail(f"{prefix} the only allowed values for latitude are floats between -90.0 and 90.0.")
        if not -180 <= lon <= 180:
            check.fail(f"{prefix} the only allowed values for longitude are floats between -180.0 and 180.0.")


def _area_query(check: Check) -> None:
    if check.get("ref") and integer_prefix(check.get("ref")) <= 0:
        check.only_allowed("ref", "positive integers")


def _recurse(check: Check) -> None:
    type_ = check.get("type")
    if type_ not in RECURSIONS:
        check.only_allowed(
            "type",
            '"relation-relation", "relation-backwards","relation-way", "relation-node", "way-node", "way-relation",'
            '"node-relation", "node-way", "down", "down-rel", "up", or "up-rel"',
        )
    if (check.get("role") or check.get("role-restricted") == "yes") and type_ not in ROLE_RECURSIONS:
        check.fail(
            'A role can only be specified for values "relation-relation", "relation-backwards",'
            '"relation-way", "relation-node", "way-relation",or "node-relation".'
        )
    if check.get("pos") and type_ not in POSITION_RECURSIONS:
        check.fail('A role can only be specified for values "way-node" or "node-way",')
    elif check.get("pos"):
        for position in check.get("pos").split(","):
            if integer_prefix(position) == 0:
                check.fail(f"Invalid pos '{position}' in positions list.")
    if check.get("lower") or check.get("upper"):
        lower = integer_prefix(check.get("lower"))
        if lower <= 0:
            check.fail("lower must be an integer greater or equal 1")
        if check.get("upper") and integer_prefix(check.get("upper")) < lower:
            check.fail("upper must be an integer greater or equal lower")


def _user(check: Check) -> None:
    attrs = check.element.attrs
    names = any(value for key, value in attrs.items() if key == "name" or key.startswith("name_"))
    uids = any(integer_prefix(value) % 2**32 for key, value in attrs.items() if key == "uid" or key.startswith("uid_"))
    if names == uids:
        check.fail('Exactly one of the two attributes "name" and "uid" must be set.')
    if check.get("criterion") not in ("last", "touched"):
        check.fail('Atttribute "criterion" must have the value "last" or "touched".')


def _newer(check: Check) -> None:
    if normal_form(check.get("than")) is None:
        check.fail('The attribute "than" must contain a timestamp exactly in the form yyyy-mm-ddThh:mm:ssZ.')


def _changed(check: Check) -> None:
    since, until = check.get("since"), check.get("until")
    if since == "init":
        return
    if (since == "auto") != (until == "auto"):
        check.fail('The attributes "since" and "until" must be set either both or none.')
    for attribute, text in (("since", since), ("until", until)):
        if text != "auto" and normal_form(text) is None:
            check.fail(
                f'The attribute "{attribute}" must contain a timestamp exactly in the form "yyyy-mm-ddThh:mm:ssZ".'
            )


def _item(check: Check) -> None:
    if check.get("set") != "_" and (check.get("from") != "_" or check.get("into") != "_"):
        check.fail(
            'The attribute "set" of the element "item" can only be set '
            'if the attributes "from" and "into" are both empty.'
        )


FILTER_CHECKS: dict[str, Callable[[Check], None]] = {
    "has-kv": _has_kv,
    "id-query": _id_query,
    "around": _around,
    "polygon-query": _polygon_query,
    "area-query": _area_query,
    "recurse": _recurse,
    "user": _user,
    "newer": _newer,
    "changed": _changed,
    "item": _item,
}
