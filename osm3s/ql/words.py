"""The words of evaluators: functions and operators of QL and the elements they stand for."""

from __future__ import annotations

STRING = "string"
GEOMETRY = "geometry"
CONTAINER = "container"

ELEMENT_FUNCTIONS = {
    "id": "eval-id",
    "type": "eval-type",
    "keys": "eval-all-keys",
    "version": "eval-version",
    "timestamp": "eval-timestamp",
    "changeset": "eval-changeset",
    "uid": "eval-uid",
    "user": "eval-user",
    "is_closed": "eval-is-closed",
    "geom": "eval-geometry",
    "length": "eval-length",
    "lat": "eval-lat",
    "lon": "eval-lon",
}
"""Need an element, take no argument."""

MEMBER_FUNCTIONS = {
    "pos": "eval-pos",
    "mtype": "eval-membertype",
    "ref": "eval-ref",
    "role": "eval-role",
    "angle": "eval-angle",
}
"""Need a member of an element, take no argument."""

STRING_FUNCTIONS = {
    "number": "eval-number",
    "is_number": "eval-is-number",
    "suffix": "eval-suffix",
    "abs": "eval-abs",
    "date": "eval-date",
    "is_date": "eval-is-date",
    "lrs_min": "eval-lrs-min",
    "lrs_max": "eval-lrs-max",
}
GEOMETRY_FUNCTIONS = {"center": "eval-center", "trace": "eval-trace", "hull": "eval-hull"}
LIST_FUNCTIONS = {"lrs_in": "eval-lrs-in", "lrs_isect": "eval-lrs-isect", "lrs_union": "eval-lrs-union"}
"""Two string arguments."""

AGGREGATORS = {
    "u": "eval-union",
    "set": "eval-set",
    "min": "eval-min",
    "max": "eval-umax",
    "sum": "eval-sum",
    "gcat": "eval-geom-concat",
}
"""Loop over a set; all but gcat over strings."""

ENUMERATORS = {"per_member": "eval-per-member", "per_vertex": "eval-per-vertex"}
SHAPES = {"lstr": "eval-linestring", "poly": "eval-polygon"}
"""Any number of geometries, at least one."""

COUNTERS = {
    "count_tags": "tags",
    "count_members": "members",
    "count_distinct_members": "distinct_members",
    "count_by_role": "by_role",
    "count_distinct_by_role": "distinct_by_role",
}
"""Functions that are an eval-prop-count, with its type."""

COUNTED_SETS = ("nodes", "ways", "relations", "deriveds", "nwr", "nw", "wr", "nr")
MEMBER_TYPES = ("nodes", "ways", "relations", "rels")

BINARY_OPERATORS = {
    "||": "eval-or",
    "&&": "eval-and",
    "==": "eval-equal",
    "!=": "eval-not-equal",
    "<": "eval-less",
    "<=": "eval-less-equal",
    ">": "eval-greater",
    ">=": "eval-greater-equal",
    "+": "eval-plus",
    "-": "eval-minus",
    "*": "eval-times",
    "/": "eval-divided-by",
}
PREFIX_OPERATORS = {"!": "eval-not", "-": "eval-negate"}

GEOMETRY_ELEMENTS = frozenset(
    ["eval-point", "eval-geometry", "eval-geom-concat", *SHAPES.values(), *GEOMETRY_FUNCTIONS.values()]
)
