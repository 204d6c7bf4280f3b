"""Which attributes each element may have. An element that is not listed does not exist."""

from __future__ import annotations

from . import words

_INTO = ("into",)
_FROM_INTO = ("from", "into")
_BOX = ("s", "n", "w", "e")

_STATEMENTS: dict[str, tuple[str, ...]] = {
    "osm-script": ("bbox", "timeout", "element-limit", "output", "output-config", "date", "from", "augmented"),
    "query": ("into", "type"),
    "union": _INTO,
    "difference": _INTO,
    "foreach": _FROM_INTO,
    "for": _FROM_INTO,
    "complete": ("from", "into", "maxnum"),
    "if": (),
    "retro": (),
    "compare": _FROM_INTO,
    "convert": ("from", "into", "type"),
    "make": ("into", "type"),
    "print": ("from", "ids", "mode", "order", "limit", "geometry", *_BOX),
    "coord-query": ("from", "into", "lat", "lon"),
    "map-to-area": _FROM_INTO,
    "make-area": ("from", "into", "pivot", "return-area"),
    "localize": ("from", "into", "type", *_BOX),
    "timeline": ("into", "type", "ref", "version"),
    "set-prop": ("k", "keytype", "from"),
}
_FILTERS: dict[str, tuple[str, ...]] = {
    "has-kv": ("k", "regk", "v", "regv", "modv", "case"),
    "id-query": ("into", "type", "ref", "lower", "upper"),
    "bbox-query": ("into", *_BOX),
    "around": ("from", "into", "radius", "lat", "lon", "polyline"),
    "polygon-query": ("into", "bounds"),
    "area-query": ("from", "into", "ref"),
    "recurse": ("from", "into", "pos", "lower", "upper", "role", "role-restricted", "type"),
    "user": ("into", "uid", "name", "type", "criterion"),
    "newer": ("than",),
    "changed": ("into", "since", "until"),
    "pivot": _FROM_INTO,
    "item": ("from", "into", "set"),
    "filter": (),
}
_EVALUATORS: dict[str, tuple[str, ...]] = {
    "eval-fixed": ("v",),
    "eval-is-tag": ("k",),
    "eval-set-key": ("from", "key"),
    "eval-set-count": ("from", "type"),
    "eval-prop-count": ("type", "role", "members_type"),
    "eval-value": (),
    "eval-generic": (),
    "eval-point": (),
    "eval-ternary": (),
}

ALLOWED: dict[str, tuple[str, ...]] = {**_STATEMENTS, **_FILTERS, **_EVALUATORS}
for _elements in (
    words.ELEMENT_FUNCTIONS,
    words.MEMBER_FUNCTIONS,
    words.STRING_FUNCTIONS,
    words.GEOMETRY_FUNCTIONS,
    words.LIST_FUNCTIONS,
    words.ENUMERATORS,
    words.SHAPES,
    words.BINARY_OPERATORS,
    words.PREFIX_OPERATORS,
):
    ALLOWED.update(dict.fromkeys(_elements.values(), ()))
ALLOWED.update(dict.fromkeys(words.AGGREGATORS.values(), ("from",)))

ANY_ATTRIBUTE = frozenset({"else"})
"""Elements whose attributes nobody looks at."""

NUMBERED = {"id-query": ("ref_",), "user": ("name_", "uid_")}
"""Attributes that may occur with any number of names that begin like this."""

NARROWING = frozenset(_FILTERS) - {"has-kv"}
"""The filters a query may have besides has-kv."""

WITHOUT_RESULT = frozenset(["if", "else", "retro", "print", "set-prop", "osm-script", "has-kv", "newer", *_EVALUATORS])


def exists(name: str) -> bool:
    return name in ALLOWED or name in ANY_ATTRIBUTE


def unknown_attributes(name: str, attrs: dict[str, str]) -> list[str]:
    """Names, in byte order, of the attributes that the element may not have."""
    if name in ANY_ATTRIBUTE:
        return []
    allowed = ALLOWED[name]
    prefixes = NUMBERED.get(name, ())
    return sorted(key for key in attrs if key not in allowed and not (prefixes and key.startswith(prefixes)))


def has_result(name: str, into: str) -> bool:
    """Whether a union or difference can use the statement."""
    return name not in WITHOUT_RESULT and not name.startswith("eval-") and into != ""
