"""The evaluators: what makes ready the element of each name, by what it yields."""

from __future__ import annotations

from collections.abc import Callable

from osm3s.eval.evaluators import (
    aggregators,
    constant,
    counts,
    hull,
    lists,
    operators,
    per_member,
    polygon,
    properties,
    shapes,
    strings,
    tags,
    trace,
)
from osm3s.eval.evaluators.preparation import Column, ContainerColumn, GeometryColumn, Preparation
from osm3s.ql.tree import Element

STRINGS: dict[str, Callable[[Preparation, Element], Column | None]] = {
    "eval-fixed": constant.fixed,
    "eval-ternary": operators.ternary,
    **dict.fromkeys(operators.BINARY, operators.binary),
    **dict.fromkeys(operators.UNARY, operators.unary),
    "eval-id": properties.element_id,
    "eval-type": properties.element_type,
    **dict.fromkeys(("eval-version", "eval-timestamp", "eval-changeset", "eval-uid", "eval-user"), properties.metadata),
    "eval-is-closed": properties.is_closed,
    "eval-length": properties.length,
    "eval-lat": properties.latitude,
    "eval-lon": properties.longitude,
    "eval-value": tags.value,
    "eval-is-tag": tags.is_tag,
    "eval-generic": tags.generic,
    "eval-prop-count": counts.prop_count,
    **dict.fromkeys(strings.FUNCTIONS, strings.string_function),
    **dict.fromkeys(lists.BINARY, lists.list_operator),
    **dict.fromkeys(lists.UNARY, lists.list_extreme),
    **dict.fromkeys(("eval-union", "eval-set", "eval-min", "eval-umax", "eval-sum"), aggregators.aggregate),
    "eval-set-count": aggregators.set_count,
    "eval-set-key": aggregators.set_key,
    "eval-per-member": per_member.per_member,
    "eval-per-vertex": per_member.per_vertex,
    "eval-pos": per_member.pos,
    "eval-membertype": per_member.member_type,
    "eval-ref": per_member.ref,
    "eval-role": per_member.role,
    "eval-angle": per_member.angle,
}

GEOMETRIES: dict[str, Callable[[Preparation, Element], GeometryColumn | None]] = {
    "eval-geometry": shapes.geometry,
    "eval-point": shapes.point,
    "eval-linestring": shapes.linestring,
    "eval-center": shapes.center,
    "eval-polygon": polygon.polygon,
    "eval-trace": trace.trace,
    "eval-hull": hull.hull,
    "eval-geom-concat": aggregators.geom_concat,
    "eval-ternary": operators.geometry_ternary,
}

CONTAINERS: dict[str, Callable[[Preparation, Element], ContainerColumn]] = {"eval-all-keys": tags.all_keys}

EVALUATORS = frozenset([*STRINGS, *GEOMETRIES, *CONTAINERS])
