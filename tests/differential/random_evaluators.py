"""Random evaluators, of the type string or geometry, for each of the places where they may stand."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from random import Random

from . import vocabulary
from .dataset import DataSet
from .trees import Row, Tree

SETS = ("_", "a", "b", "c")
_UNCHANGED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
MAX_DEPTH = 4
MAX_SPREAD_E7 = 3000000


class Place(IntEnum):
    """What an evaluator can look at; each place has what the ones before it have."""

    SET = 0
    ELEMENT = 1
    MEMBER = 2
    VERTEX = 3


def quoted(text: str, rng: Random | None = None) -> str:
    """As a string of the language, sometimes in the other quotes or with an escape that means nothing."""
    if rng and rng.random() < 0.15 and "'" not in text:
        return "'" + text.replace("\\", "\\\\") + "'"
    if rng and rng.random() < 0.1 and text.isalpha() and ord(max(text)) < 0x10000:
        return '"' + "".join(f"\\u{ord(char):04x}" for char in text) + '"'
    return '"' + "".join(_UNCHANGED.get(char, char) for char in text) + '"'


class Evaluators:
    """`sets` are the names worth asking for, `values` those whose `.val` is worth asking for; both may change."""

    def __init__(self, rng: Random, data: DataSet, geometric: bool) -> None:
        self.rng = rng
        self.data = data
        self.geometric = geometric
        self.sets = ["_"]
        self.values: list[str] = []

    # --- strings ---------------------------------------------------------------------------------------------------

    def string(self, place: Place, depth: int = 0) -> Tree:
        makers: list[tuple[float, Callable[[Place, int], Tree]]] = [(3, self._constant)]
        if self.values:
            makers.append((2, self._group_value))
        if depth < MAX_DEPTH:
            makers += [(4, self._operator), (2, self._function), (1.5, self._list_function)]
            makers += [(5 if place == Place.SET else 0.7, self._aggregator), (1, self._count), (0.4, self._ternary)]
        if place >= Place.ELEMENT:
            makers += [(4, self._tag), (3, self._property), (1.5, self._counter)]
            if depth < MAX_DEPTH:
                makers.append((0.8, self._enumerator))
        if place >= Place.MEMBER:
            makers.append((8, self._of_member))
        maker = self.rng.choices([maker for _, maker in makers], [weight for weight, _ in makers])[0]
        return maker(place, depth)

    def _new(self, *parts: str | Tree | Row) -> Tree:
        return Tree("string", parts, ("1", '""'))

    def _constant(self, place: Place, depth: int) -> Tree:
        rng = self.rng
        if rng.random() < 0.5:
            return self._new(rng.choice(("0", "1", "2", "-1", "010", "2.50", "1e20", "0.1", "3", "1e-3", "10", "07")))
        return self._new(quoted(rng.choice(("", *vocabulary.VALUES)), rng))

    def _group_value(self, place: Place, depth: int) -> Tree:
        return self._new(f"{self.rng.choice(self.values)}.val")

    def _operator(self, place: Place, depth: int) -> Tree:
        rng = self.rng
        if rng.random() < 0.15:
            return self._new(rng.choice("!-"), self._operand(place, depth))
        operator = rng.choice(("+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "+", "=="))
        space = rng.choice(("", " "))
        return self._new(self._operand(place, depth), f"{space}{operator}{space}", self._operand(place, depth))

    def _operand(self, place: Place, depth: int) -> Tree:
        """Mostly in parentheses; without them, the priorities decide."""
        inner = self.string(place, depth + 1)
        return self._new("(", inner, ")") if self.rng.random() < 0.6 else inner

    def _ternary(self, place: Place, depth: int) -> Tree:
        condition, yes, no = (self.string(place, depth + 1) for _ in range(3))
        return self._new("((", condition, ")?(", yes, "):(", no, "))")

    def _function(self, place: Place, depth: int) -> Tree:
        name = self.rng.choice(("number", "is_number", "suffix", "abs", "date", "is_date", "lrs_min", "lrs_max"))
        return self._new(f"{name}(", self.string(place, depth + 1), ")")

    def _list_function(self, place: Place, depth: int) -> Tree:
        name = self.rng.choice(("lrs_in", "lrs_isect", "lrs_union"))
        return self._new(f"{name}(", self.string(place, depth + 1), ",", self.string(place, depth + 1), ")")

    def _set(self) -> str:
        name = self.rng.choice(self.sets if self.rng.random() < 0.9 else SETS)
        return "" if name == "_" and self.rng.random() < 0.8 else f"{name}."

    def _aggregator(self, place: Place, depth: int) -> Tree:
        name = self.rng.choice(("u", "set", "min", "max", "sum"))
        return self._new(f"{self._set()}{name}(", self.string(Place.ELEMENT, depth + 1), ")")

    def _count(self, place: Place, depth: int) -> Tree:
        kinds = ("nodes", "ways", "relations", "deriveds", "nwr", "nw", "wr", "nr")
        return self._new(f"{self._set()}count({self.rng.choice(kinds)})")

    def _tag(self, place: Place, depth: int) -> Tree:
        rng = self.rng
        key = rng.choice(vocabulary.KEYS if rng.random() < 0.3 else vocabulary.PLAIN_KEYS)
        if rng.random() < 0.2:
            return self._new(f"is_tag({quoted(key, rng)})")
        if rng.random() < 0.1 and depth < MAX_DEPTH:
            return self._new("t[", self.string(place, depth + 1), "]")
        return self._new(f"t[{quoted(key, rng)}]")

    def _property(self, place: Place, depth: int) -> Tree:
        names = ["id", "type", "is_closed"]
        names += ["version", "timestamp", "changeset", "uid", "user"] if self.data.level != "data" else []
        names += ["length", "lat", "lon"] if self.geometric else []
        return self._new(f"{self.rng.choice(names)}()")

    def _counter(self, place: Place, depth: int) -> Tree:
        rng = self.rng
        name = rng.choice(("tags", "members", "members", "distinct_members", "by_role", "by_role", "distinct_by_role"))
        arguments = []
        if name.endswith("by_role"):
            arguments.append(quoted(rng.choice(vocabulary.ROLES), rng))
        if name != "tags" and rng.random() < 0.5:
            arguments.append(rng.choice(("nodes", "ways", "relations", "rels")))
        return self._new(f"count_{name}({','.join(arguments)})")

    def _enumerator(self, place: Place, depth: int) -> Tree:
        if self.geometric and self.rng.random() < 0.3:
            return self._new("per_vertex(", self.string(Place.VERTEX, depth + 1), ")")
        return self._new("per_member(", self.string(Place.MEMBER, depth + 1), ")")

    def _of_member(self, place: Place, depth: int) -> Tree:
        names = ["pos", "mtype", "ref", "role"] + (["angle"] * 4 if place == Place.VERTEX else [])
        return self._new(f"{self.rng.choice(names)}()")

    # --- geometries ------------------------------------------------------------------------------------------------

    def geometry(self, place: Place, depth: int = 0) -> Tree:
        rng = self.rng
        if place >= Place.ELEMENT and rng.random() < 0.5:
            return self._shape("geom()")
        if depth >= 3 or rng.random() < 0.25:
            return self._point(place, depth)
        choice = rng.random()
        if choice < 0.35:
            return self._shape(f"{self._set()}gcat(", self.geometry(Place.ELEMENT, depth + 1), ")")
        if choice < 0.75:
            return self._shape(f"{rng.choice(('center', 'trace', 'hull'))}(", self.geometry(place, depth + 1), ")")
        if choice < 0.8:
            condition, yes, no = self.string(place, 3), self.geometry(place, depth + 1), self.geometry(place, depth + 1)
            return self._shape("((", condition, ")?", yes, ":", no, ")")
        return self._line() if choice < 0.92 else self._polygon()

    def _shape(self, *parts: str | Tree | Row) -> Tree:
        return Tree("geometry", parts)

    def _point(self, place: Place, depth: int) -> Tree:
        if self.rng.random() < 0.2:
            return self._shape("pt(", self.string(place, depth + 2), ",", self.string(place, depth + 2), ")")
        lat, lon = self.place_near()
        return self._shape(f"pt({lat},{lon})")

    def _line(self) -> Tree:
        return self._line_of(self.rng.choice((1, 2, 3, 4)))

    def _line_of(self, n: int) -> Tree:
        """All points are near each other: long lines are cut into thousands of pieces."""
        points = tuple(Tree("point", ("pt({},{})".format(*self.place_near()),)) for _ in range(n))
        return self._shape("lstr(", Row(points, ",", min(n, 3)), ")")

    def _polygon(self) -> Tree:
        lines = tuple(self._line_of(self.rng.choice((3, 3, 4, 5))) for _ in range(self.rng.choice((1, 1, 2))))
        return self._shape("poly(", Row(lines, ",", 1), ")")

    def place_near(self) -> tuple[str, str]:
        """Latitude and longitude near some node, hardly ever on a line with it."""
        rng = self.rng
        nodes = self.data.of("node")
        node = rng.choice(nodes)
        spread_e7 = min(max(abs(other.lat_e7 - node.lat_e7) for other in nodes) + 5000, MAX_SPREAD_E7)
        lat_e7 = node.lat_e7 + round(rng.uniform(-0.6, 0.6) * spread_e7)
        lon_e7 = node.lon_e7 + round(rng.uniform(-0.6, 0.6) * spread_e7)
        lat = min(90.0, max(-90.0, lat_e7 / 1e7))
        lon = min(180.0, max(-180.0, lon_e7 / 1e7))
        return f"{lat:.7f}", f"{lon:.7f}"
