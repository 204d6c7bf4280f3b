"""What the reference makes of the attributes of filters: in its order, without defaults."""

from __future__ import annotations

from collections.abc import Callable

from .filter_checks import POSITION_RECURSIONS, ROLE_RECURSIONS, polygon_corners, polyline_points
from .numbers import float_prefix, float_text, integer_prefix
from .timestamps import normal_form
from .tree import Element

_UNSIGNED = 2**64
_UNBOUNDED = 2**32 - 1


def refs_of(element: Element) -> list[int]:
    """The ids of an id-query, sorted and without duplicates; `lower` and `upper` are not looked at."""
    refs = {
        integer_prefix(value) % _UNSIGNED
        for key, value in element.attrs.items()
        if key == "ref" or key.startswith("ref_")
    }
    return sorted(refs - {0})


def users_of(element: Element) -> tuple[list[int], list[str]]:
    """The user ids and the user names of a user filter, sorted and without duplicates."""
    attrs = element.attrs
    uids = {integer_prefix(v) % 2**32 for k, v in attrs.items() if k == "uid" or k.startswith("uid_")}
    names = {v for k, v in attrs.items() if k == "name" or k.startswith("name_")}
    return sorted(uids - {0}), sorted(names - {""})


def positions_of(element: Element) -> list[int]:
    """The positions of a recursion, sorted."""
    pos = element.get("pos")
    return sorted(map(integer_prefix, pos.split(","))) if pos else []


def bounds_of(element: Element) -> tuple[int, int] | None:
    """The range of a way_cnt or way_link recursion, both ends inclusive."""
    if not element.get("lower") and not element.get("upper"):
        return None
    upper = element.get("upper")
    return integer_prefix(element.get("lower")), integer_prefix(upper) if upper else _UNBOUNDED


def numbered(name: str, values: list[str], first: int) -> dict[str, str]:
    """Attributes name, or if `first` is 1 and there are several, name_1, name_2 …; else name, name_1 …"""
    if first and len(values) == 1:
        return {name: values[0]}
    return {name if i == 0 else f"{name}_{i}": value for i, value in enumerate(values, first)}


def _from(element: Element) -> dict[str, str]:
    return {} if element.get("from") == "_" else {"from": element.get("from")}


def _number(text: str) -> str:
    return float_text(float_prefix(text))


_NO_TIME = "0000-00-00T00:00:00Z"


def _normal_id_query(element: Element) -> dict[str, str]:
    """Ids beyond 63 bits stay negative numbers, as which they can be read again."""
    signed = [str(ref if ref < _UNSIGNED // 2 else ref - _UNSIGNED) for ref in refs_of(element)]
    return {"type": element.get("type")} | numbered("ref", signed, 0)


def _normal_bbox_query(element: Element) -> dict[str, str]:
    return {side: _number(element.get(side)) for side in "swne"}


def _normal_around(element: Element) -> dict[str, str]:
    attrs = _from(element) | {"radius": _number(element.get("radius"))}
    if element.get("polyline"):
        points = polyline_points(element.get("polyline"))
        attrs["polyline"] = ",".join(f"{float_text(lat)},{float_text(lon)}" for lat, lon in points)
    elif element.get("lat"):
        attrs |= {"lat": _number(element.get("lat")), "lon": _number(element.get("lon"))}
    return attrs


def _normal_polygon_query(element: Element) -> dict[str, str]:
    corners, _ = polygon_corners(element.get("bounds"))
    return {"bounds": "  ".join(f"{float_text(lat)} {float_text(lon)}" for lat, lon in corners)}


def _normal_area_query(element: Element) -> dict[str, str]:
    ref = integer_prefix(element.get("ref"))
    return _from(element) | ({"ref": str(ref)} if ref > 0 else {})


def _normal_recurse(element: Element) -> dict[str, str]:
    type_ = element.get("type")
    attrs = _from(element) | {"type": type_}
    if type_ in ROLE_RECURSIONS and element.get("role-restricted") == "yes":
        attrs |= {"role": element.get("role")} if element.get("role") else {}
        attrs["role-restricted"] = "yes"
    if type_ in POSITION_RECURSIONS and element.get("pos"):
        attrs["pos"] = ",".join(map(str, positions_of(element)))
    bounds = bounds_of(element)
    if bounds:
        attrs |= {"lower": str(bounds[0]), "upper": str(bounds[1])}
    return attrs


def _normal_user(element: Element) -> dict[str, str]:
    uids, names = users_of(element)
    attrs = {"type": element.get("type")} | numbered("uid", [str(uid) for uid in uids], 1) | numbered("name", names, 1)
    return attrs | ({"criterion": "touched"} if element.get("criterion") == "touched" else {})


def _normal_newer(element: Element) -> dict[str, str]:
    return {"than": normal_form(element.get("than")) or _NO_TIME}


def _normal_changed(element: Element) -> dict[str, str]:
    times = {attribute: normal_form(element.get(attribute)) for attribute in ("since", "until")}
    return {attribute: time for attribute, time in times.items() if time}


NORMAL_FORMS: dict[str, Callable[[Element], dict[str, str]]] = {
    "id-query": _normal_id_query,
    "bbox-query": _normal_bbox_query,
    "around": _normal_around,
    "polygon-query": _normal_polygon_query,
    "area-query": _normal_area_query,
    "recurse": _normal_recurse,
    "user": _normal_user,
    "newer": _normal_newer,
    "changed": _normal_changed,
    "pivot": _from,
}
"""Name of the filter -> its attributes in normal form."""
