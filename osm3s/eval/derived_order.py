"""In which order a difference lists derived objects: by place, shape and tags. Objects of one order are taken to be the
same, whatever their type and id."""

from __future__ import annotations

from typing import Any

from osm3s.output.derived import Collection, Derived, Geometry, Line, Polygon

_LINKS = ("_next", "_previous")
"""Tags of `local`, made of ids that are counted anew in each run."""


def order_of(derived: Derived) -> tuple[Any, ...]:
    """What has no place comes last, and then what has no geometry."""
    shape = derived.geometry
    tags = [tag for tag in derived.tags if tag[0] not in _LINKS]
    return (_place(shape), *((0, _shape(shape)) if shape is not None else (1,)), tags)


def unmatched(old: list[Derived], new: list[Derived]) -> tuple[list[Derived], list[Derived]]:
    """Those of each list, in order, that have no counterpart in the other one."""
    olds, news = (sorted(((order_of(d), d) for d in ds), key=lambda pair: pair[0]) for ds in (old, new))
    gone, come, i, j = [], [], 0, 0
    while i < len(olds) and j < len(news):
        if olds[i][0] == news[j][0]:
            i, j = i + 1, j + 1
        elif olds[i][0] < news[j][0]:
            gone.append(olds[i][1])
            i += 1
        else:
            come.append(news[j][1])
            j += 1
    return gone + [d for _, d in olds[i:]], come + [d for _, d in news[j:]]


def _place(shape: Geometry | None) -> tuple[float, ...]:
    bounds = None if shape is None else shape.bounds
    return (1,) if bounds is None else (0, *bounds.center)


def _shape(shape: Geometry | None) -> tuple[Any, ...]:
    """Of shapes at one place, lines come before polygons, polygons before points, and collections last."""
    if isinstance(shape, Collection):
        return (_place(shape), 1, len(shape.parts), [_shape(part) for part in shape.parts])
    if isinstance(shape, Line):
        return (_place(shape), 0, 0, len(shape.positions), shape.positions)
    if isinstance(shape, Polygon):
        return (_place(shape), 0, 1, 0, len(shape.rings), [(len(ring), ring) for ring in shape.rings])
    return (_place(shape), 0, 1, 1)
